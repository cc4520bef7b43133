"""What `process-video` makes, and what it refuses."""

from dataclasses import replace
from typing import Any

import pytest

from services.chassis.errors import Invalid
from services.videos.model.targets import Source, Target, Wish, decide

SOURCE = Source(
    file_name="my.film.mp4",
    width=560,
    height=320,
    display_aspect_ratio=None,
    pixel_format="yuv420p",
    yuv="4:2:0",
    bits=8,
    bitrate=560_000.0,
    frame_rate=30.0,
    duration=5000,
    interlaced=False,
)


def violations(wish: Wish, source: Source = SOURCE) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        decide(wish, source)
    found = {violation.field: violation.description for violation in caught.value.violations}
    assert all(field in caught.value.message for field in found)
    return found


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
        scales=False,
        file_name="my.film.mp4",
    )


@pytest.mark.parametrize(
    ("file_name", "container", "offered"),
    [
        ("a.mov", None, "a.mov"),
        ("a.MOV", None, "a.mov"),
        ("a.mkv", None, "a.mp4"),
        ("a.b.mkv", "MOV", "a.b.mov"),
        ("noext", "mp4", "noext.mp4"),
    ],
)
def test_the_container_and_the_file_name(
    file_name: str, container: str | None, offered: str
) -> None:
    target = decide(Wish(container=container), replace(SOURCE, file_name=file_name))
    assert (target.file_name, target.container) == (offered, offered.rpartition(".")[2])


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
    ("wish", "field"),
    [
        ({"container": "mxf"}, "mediaContainerCodec.container"),
        ({"container": "mts"}, "mediaContainerCodec.container"),
        ({"codec": "ProRes"}, "mediaContainerCodec.codec"),
        ({"container": "mov", "codec": "ffv1"}, "mediaContainerCodec.codec"),
        ({"prores_profile": "4444xq"}, "appleProresProfile"),
        ({"dnxhd_profile": "dnxhr_hqx"}, "dnxhdHrProfile"),
        ({"scanning_tag": "interlaced_tff"}, "scanning.tag"),
        ({"scanning_type": "interlaced", "field_order": "top_first"}, "scanning.scanningType"),
        ({"yuv": "4:1:1"}, "chromaSubsampling.yuv"),
        ({"bits": 12}, "chromaSubsampling.bits"),
        ({"deinterlacer": "weston3f"}, "deinterlacer"),
        ({"denoiser": "hqdn3d"}, "denoiser"),
        ({"stabilizer": "dejit"}, "stabilizer"),
        ({"scaler": "PABSR1"}, "scaler"),
        ({"scaler": "dvres2"}, "scaler"),
        ({"clarity_boost": "very_high"}, "clarityBoost"),
        ({"clarity_boost": "6"}, "clarityBoost"),
        ({"frame_rate_converter": "fblend"}, "frameRateConverter"),
        ({"frame_rate_tag": "video_uhd_fast"}, "frameRate.tag"),
        ({"fps": 24.0}, "frameRate.fps"),
        ({"post_processor": "filmgrain"}, "postProcessor"),
        ({"start": 1000}, "range"),
        ({"start": 0, "end": 3000}, "range"),
    ],
)
def test_documented_values_that_do_not_run_yet_say_so(wish: dict[str, Any], field: str) -> None:
    assert "not available yet" in violations(Wish(**wish))[field]


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


@pytest.mark.parametrize("order", ["top_field", "top_first", "bottom_field", "BOTTOM_FIRST"])
def test_field_orders_are_taken_in_both_spellings(order: str) -> None:
    found = violations(Wish(scanning_type="interlaced", field_order=order))
    assert found["scanning.interlacedFieldOrder"].endswith("is not available yet")


def test_an_interlaced_source_is_refused_whatever_is_asked() -> None:
    source = replace(SOURCE, interlaced=True)
    for wish in (Wish(), Wish(scanning_tag="auto"), Wish(scanning_tag="progressive")):
        assert "available yet" in violations(wish, source)["scanning"]


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
        "film.mp4",
        {
            "frame_width": 720,
            "frame_height": 576,
            "display_aspect_ratio": 1.3333,
            "pixel_format": {
                "name": "yuv422p10le",
                "chroma_subsampling": {"yuv": "4:2:2", "bits": 10},
            },
            "scanning": {
                "metadata": {"scanning_type": "progressive"},
                "heuristics": {"scanning_type": "interlaced"},
            },
            "average_framerate": 25.0,
            "duration_in_millis": "4000",
            "size": "600000",
            "video_stream_size": "500000",
        },
    )
    assert source == Source(
        "film.mp4", 720, 576, 1.3333, "yuv422p10le", "4:2:2", 10, 1e6, 25.0, 4000, True
    )
    bare = Source.of("film.mp4", {"frame_width": 16, "frame_height": 16, "size": "1000"})
    assert (bare.bitrate, bare.bits, bare.interlaced) == (0.0, 8, False)
