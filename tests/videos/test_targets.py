"""What `process-video` makes, and what it refuses."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from services.videos.model.targets import Target, decide
from services.videos.model.wishes import Source, Wish
from tests.videos.originals import SOURCE, violations


def test_an_empty_wish_inherits_everything() -> None:
    assert decide(Wish(), SOURCE) == Target(
        container="mp4",
        codec="h264",
        pixel_format="yuv420p",
        yuv="4:2:0",
        bits=8,
        bitrate=560_000,
        width=560,
        height=320,
        file_name="my.film.mp4",
        average_framerate=30.0,
    )


@pytest.mark.parametrize(
    ("pixel_format", "yuv", "bits", "expected"),
    [
        ("yuvj420p", "4:2:0", 8, "yuv420p"),
        ("yuv422p10le", "4:2:2", 10, "yuv422p10le"),
        ("yuv444p12le", "4:4:4", 12, "yuv444p10le"),
        ("yuv411p", "4:1:1", 8, "yuv422p"),
        ("yuv410p", "4:1:0", 8, "yuv420p"),
        ("yuv440p", "4:4:0", 8, "yuv444p"),
        ("rgb24", None, 8, "yuv444p"),
        ("gray10le", None, 10, "yuv420p10le"),
    ],
)
def test_pixels_are_inherited_as_far_as_h264_has_them(
    pixel_format: str, yuv: str | None, bits: int, expected: str
) -> None:
    source = replace(SOURCE, pixel_format=pixel_format, yuv=yuv, bits=bits)
    assert decide(Wish(), source).pixel_format == expected


def test_given_pixels_and_bit_rate() -> None:
    target = decide(Wish(yuv="4:4:4", bits=10, mbps=20.5), SOURCE)
    assert (target.pixel_format, target.yuv, target.bits) == ("yuv444p10le", "4:4:4", 10)
    assert target.bitrate == 20_500_000


def test_the_bit_rate_follows_the_number_of_pixels() -> None:
    assert decide(Wish(resizes=True, resolution_tag="2x"), SOURCE).bitrate == 4 * 560_000
    low = replace(SOURCE, bitrate=1.0)
    assert decide(Wish(), low).bitrate == 10_000
    unknown = replace(SOURCE, bitrate=0.0)
    assert decide(Wish(), unknown).bitrate == round(0.1 * 560 * 320 * 30)


@pytest.mark.parametrize("mbps", [0.0, 0.009, 4000.1, -1.0, float("nan"), float("inf")])
def test_bit_rates_out_of_range(mbps: float) -> None:
    assert list(violations(Wish(mbps=mbps))) == ["bitrate.mbps"]


@pytest.mark.parametrize("mbps", [0.01, 4000.0])
def test_bit_rates_at_the_ends(mbps: float) -> None:
    assert decide(Wish(mbps=mbps), SOURCE).bitrate == round(mbps * 1e6)


@pytest.mark.parametrize(
    ("wish", "field", "available"),
    [
        ({"deinterlacer": "Deint"}, "deinterlacer", "yadif, bwdif, weston3f"),
        ({"denoiser": "denoise"}, "denoiser", "hqdn3d"),
        ({"stabilizer": "dejit"}, "stabilizer", ""),
        ({"scaler": "PABSR1"}, "scaler", "scale"),
        ({"scaler": "dvres"}, "scaler", "scale"),
        ({"scaler": "dvres2"}, "scaler", "scale"),
        ({"clarity_boost": "marginal"}, "clarityBoost", "none, 0"),
        ({"clarity_boost": "very_high"}, "clarityBoost", "none, 0"),
        ({"clarity_boost": "6"}, "clarityBoost", "none, 0"),
        ({"frame_rate_converter": "vfi"}, "frameRateConverter", "fps, fblend, mcinterpolate"),
        ({"post_processor": "filmgrain"}, "postProcessor", ""),
    ],
)
def test_documented_values_that_do_not_run_yet_say_what_does(
    wish: dict[str, Any], field: str, available: str
) -> None:
    found = violations(Wish(**wish))
    expected = f"; available: {available}" if available else ""
    assert f"is not available yet{expected}" in found.pop(field)
    assert set(found) <= {"frameRate"}


@pytest.mark.parametrize(
    ("wish", "field", "permitted"),
    [
        ({"container": "avi"}, "mediaContainerCodec.container", "mov, mxf, mp4, mts"),
        ({"codec": "vp9"}, "mediaContainerCodec.codec", "h264, prores, dnxhd"),
        ({"prores_profile": "max"}, "appleProresProfile", "proxy, lt, standard, hq"),
        ({"dnxhd_profile": "hq"}, "dnxhdHrProfile", "dnxhd_lb"),
        ({"scanning_tag": "tff"}, "scanning.tag", "auto, progressive, interlaced_tff"),
        ({"scanning_type": "segmented"}, "scanning.scanningType", "progressive, interlaced"),
        ({"yuv": "4:2:1"}, "chromaSubsampling.yuv", "4:1:0, 4:1:1, 4:2:0"),
        ({"bits": 9}, "chromaSubsampling.bits", "8, 10, 12, 14, 16"),
        ({"deinterlacer": "nnedi"}, "deinterlacer", "deint, yadif, bwdif, weston3f"),
        ({"denoiser": "x"}, "denoiser", "denoise, hqdn3d"),
        ({"stabilizer": ""}, "stabilizer", "dejit"),
        ({"scaler": "lanczos"}, "scaler", "pabsr1, dvres"),
        ({"clarity_boost": "7"}, "clarityBoost", "none, marginal, very_low"),
        ({"frame_rate_converter": "x"}, "frameRateConverter", "fps, fblend, mcinterpolate"),
        ({"frame_rate_tag": "x"}, "frameRate.tag", "film_ntsc, film, video_pal"),
        ({"post_processor": "x"}, "postProcessor", "filmgrain"),
        ({"fps": 0.0}, "frameRate.fps", "between 0.001 and 999"),
        ({"start": -1}, "range.startPositionMilliseconds", "between 0 and 5000"),
        ({"end": 5001}, "range.endPositionMilliseconds", "between 0 and 5000"),
    ],
)
def test_undocumented_values_are_refused_with_the_permitted_ones(
    wish: dict[str, Any], field: str, permitted: str
) -> None:
    found = violations(Wish(**wish))
    assert list(found) == [field]
    assert permitted in found[field]
    assert "yet" not in found[field]


@pytest.mark.parametrize(
    ("wish", "field", "part"),
    [
        ({"container": "mp4", "codec": "prores"}, "mediaContainerCodec.codec", "takes h264, hevc"),
        ({"container": "mov", "codec": "xdcam"}, "mediaContainerCodec.codec", "takes h264, prores"),
        ({"scanning_tag": "auto", "scanning_type": "progressive"}, "scanning", "not both"),
        ({"frame_rate_tag": "film", "fps": 24.0}, "frameRate", "not both"),
        ({"start": 4000, "end": 1000}, "range", "end after it starts"),
        ({"scanning_type": "interlaced"}, "scanning.interlacedFieldOrder", "must be top_field"),
        ({"field_order": "top_field"}, "scanning.interlacedFieldOrder", "only for scanningType"),
    ],
)
def test_combinations_that_make_no_sense(wish: dict[str, Any], field: str, part: str) -> None:
    assert part in violations(Wish(**wish))[field]


@pytest.mark.parametrize(
    "wish",
    [
        {"scanning_tag": "AUTO"},
        {"scanning_tag": "progressive"},
        {"scanning_type": "Progressive"},
        {"scaler": "Scale"},
        {"clarity_boost": "None"},
        {"clarity_boost": "0"},
        {"start": 0, "end": 5000},
        {"container": "MP4", "codec": "H264"},
    ],
)
def test_values_that_ask_for_nothing_special_are_taken(wish: dict[str, Any]) -> None:
    assert decide(Wish(**wish), SOURCE).width == SOURCE.width


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = violations(Wish(container="avi", denoiser="denoise", mbps=9999.0, start=-1))
    assert set(found) == {
        "mediaContainerCodec.container",
        "denoiser",
        "bitrate.mbps",
        "range.startPositionMilliseconds",
    }


def test_a_source_is_read_from_metadata() -> None:
    source = Source.of(
        "film.qt",
        {
            "container_name": "mov,mp4,m4a,3gp,3g2,mj2",
            "codec_name": "mpeg2video",
            "frame_width": 720,
            "frame_height": 576,
            "display_aspect_ratio": 1.3333,
            "pixel_format": {
                "name": "yuv422p10le",
                "chroma_subsampling": {"yuv": "4:2:2", "bits": 10},
            },
            "scanning": {
                "metadata": {"scanning_type": "progressive"},
                "heuristics": {
                    "scanning_type": "interlaced",
                    "interlaced_field_order": "bottom_first",
                },
            },
            "average_framerate": 25.0,
            "duration_in_millis": "4000",
            "size": "600000",
            "video_stream_size": "500000",
        },
    )
    assert source == Source(
        *("film.qt", "mov", "mpeg2", 720, 576, 1.3333, "yuv422p10le", "4:2:2", 10, 1e6),
        *(Fraction(25), 4000, True, "bottom_first"),
    )
    bare = Source.of("film.mp4", {"frame_width": 16, "frame_height": 16, "size": "1000"})
    assert (bare.bitrate, bare.bits, bare.interlaced) == (0.0, 8, False)
    assert (bare.frame_rate, bare.field_order) == (Fraction(0), "top_first")


@pytest.mark.parametrize(
    ("metadata", "heuristics", "interlaced", "order"),
    [
        ({"scanning_type": "unknown"}, {}, False, "top_first"),
        (
            {"scanning_type": "interlaced", "interlaced_field_order": "bottom_first"},
            {"scanning_type": "interlaced", "interlaced_field_order": "top_first"},
            True,
            "bottom_first",
        ),
        ({"scanning_type": "interlaced"}, {"scanning_type": "progressive"}, False, "top_first"),
        ({"scanning_type": "interlaced"}, {"scanning_type": "unknown"}, True, "top_first"),
    ],
)
def test_scanning_is_what_pictures_show_in_the_order_that_the_file_says(
    metadata: dict[str, str], heuristics: dict[str, str], interlaced: bool, order: str
) -> None:
    source = Source.of("a", {"scanning": {"metadata": metadata, "heuristics": heuristics}})
    assert (source.interlaced, source.field_order) == (interlaced, order)


@pytest.mark.parametrize(
    ("container", "file_name", "expected"),
    [
        ("mov,mp4,m4a,3gp,3g2,mj2", "a.MOV", "mov"),
        ("mov,mp4,m4a,3gp,3g2,mj2", "a.m4v", "mp4"),
        ("mxf", "a.mov", "mxf"),
        ("mpegts", "a.ts", "mts"),
        ("matroska,webm", "a.mkv", "matroska,webm"),
    ],
)
def test_containers_of_sources(container: str, file_name: str, expected: str) -> None:
    assert Source.of(file_name, {"container_name": container}).container == expected


@pytest.mark.parametrize(
    ("start", "end", "clip"),
    [
        (None, None, (0, None)),
        (0, 5000, (0, None)),
        (1000, None, (1000, None)),
        (None, 4999, (0, 4999)),
        (1000, 2000, (1000, 2000)),
    ],
)
def test_stretches(start: int | None, end: int | None, clip: tuple[int, int | None]) -> None:
    target = decide(Wish(start=start, end=end), SOURCE)
    assert (target.clip_start, target.clip_end) == clip
    assert (target.start, target.end) == (start, end)
