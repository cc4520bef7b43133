"""Scanning, deinterlacers and frame rates."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from services.videos.model.rates import TAGS, exact
from services.videos.model.targets import Target, decide
from services.videos.model.wishes import Source, Wish
from tests.videos.originals import SOURCE, violations

PAL = replace(
    SOURCE, width=720, height=576, frame_rate=Fraction(25), interlaced=True, field_order="top_first"
)
P50 = replace(SOURCE, width=1920, height=1080, frame_rate=Fraction(50))


def motion(target: Target) -> tuple[str, str, str, str, str, float | None]:
    return (
        target.source_field_order,
        target.deinterlacer,
        target.target_field_order,
        target.frame_rate_converter,
        target.frame_rate,
        target.average_framerate,
    )


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({}, ("top_first", "", "top_first", "", "", 25)),
        ({"scanning_tag": "auto"}, ("top_first", "", "top_first", "", "", 25)),
        ({"scanning_tag": "progressive"}, ("top_first", "yadif", "", "", "", 25)),
        ({"scanning_type": "progressive"}, ("top_first", "yadif", "", "", "", 25)),
        ({"scanning_tag": "interlaced_tff"}, ("top_first", "", "top_first", "", "", 25)),
        ({"scanning_tag": "interlaced_bff"}, ("top_first", "", "bottom_first", "", "", 25)),
        ({"deinterlacer": "yadif"}, ("top_first", "yadif", "", "", "", 25)),
        ({"deinterlacer": "bwdif"}, ("top_first", "bwdif", "", "", "", 50)),
        ({"deinterlacer": "WESTON3F"}, ("top_first", "weston3f", "", "", "", 50)),
        (
            {"deinterlacer": "bwdif", "scanning_tag": "interlaced_bff"},
            ("top_first", "bwdif", "bottom_first", "", "", 25),
        ),
        (
            {"deinterlacer": "yadif", "scanning_tag": "interlaced_tff"},
            ("top_first", "yadif", "top_first", "", "", 12.5),
        ),
        ({"codec": "hevc"}, ("top_first", "yadif", "", "", "", 25)),
        ({"dnxhd_profile": "dnxhr_sq"}, ("top_first", "yadif", "", "", "", 25)),
        ({"fps": 50.0}, ("top_first", "", "top_first", "fps", "50", 50)),
        (
            {"fps": 50.0, "frame_rate_converter": "fblend"},
            ("top_first", "yadif", "", "fblend", "50", 50),
        ),
        (
            {"fps": 50.0, "frame_rate_converter": "mcinterpolate", "deinterlacer": "bwdif"},
            ("top_first", "bwdif", "", "mcinterpolate", "50", 50),
        ),
    ],
)
def test_interlaced_sources(wish: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert motion(decide(Wish(**wish), PAL)) == expected


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({}, ("", "", "", "", "", 50)),
        ({"scanning_tag": "Interlaced_TFF"}, ("", "", "top_first", "", "", 25)),
        (
            {"scanning_type": "interlaced", "field_order": "bottom_first"},
            ("", "", "bottom_first", "", "", 25),
        ),
        (
            {"scanning_type": "interlaced", "field_order": "TOP_FIELD", "fps": 60.0},
            ("", "", "top_first", "fps", "60", 30),
        ),
        ({"deinterlacer": "bwdif"}, ("top_first", "bwdif", "", "", "", 100)),
        ({"codec": "mpeg2"}, ("", "", "", "fps", "50", 50)),
        ({"codec": "xdcam"}, ("", "", "", "fps", "25", 25)),
        (
            {"codec": "xdcam", "scanning_tag": "interlaced_tff"},
            ("", "", "top_first", "fps", "50", 25),
        ),
        ({"container": "mxf"}, ("", "", "", "fps", "50", 50)),
        (
            {"dnxhd_profile": "dnxhd_hqx", "scanning_tag": "interlaced_tff"},
            ("", "", "top_first", "fps", "50", 25),
        ),
    ],
)
def test_progressive_sources(wish: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert motion(decide(Wish(**wish), P50)) == expected


@pytest.mark.parametrize("codec", ["hevc", "dnxhr_sq", "dnxhd_lb", "dnxhd_444"])
def test_codecs_without_fields_name_those_with(codec: str) -> None:
    wish = Wish(codec="hevc") if codec == "hevc" else Wish(dnxhd_profile=codec)
    said = violations(replace(wish, scanning_tag="interlaced_tff"), P50)["scanning"]
    assert said.startswith(f"{codec} is progressive only; interlaced are h264, prores, dnxhd,")


def test_dnxhd_has_fields_in_full_hd_only() -> None:
    wish = Wish(dnxhd_profile="dnxhd_sq", scanning_tag="interlaced_tff")
    assert decide(wish, SOURCE).height == 1080
    smaller = replace(wish, resizes=True, width=1280, height=720)
    assert violations(smaller) == {"resolution": "dnxhd_sq has 1920x1080 interlaced, not 1280x720"}


def test_fields_of_subsampled_chroma_have_whole_rows() -> None:
    source = replace(PAL, height=486)
    assert decide(Wish(), source).height == 488
    assert decide(Wish(scanning_tag="progressive"), source).height == 486
    assert decide(Wish(yuv="4:2:2"), source).height == 486


def test_mixing_pictures_into_fields_needs_a_deinterlacer() -> None:
    wish = Wish(scanning_tag="interlaced_tff", fps=50.0, frame_rate_converter="fblend")
    assert violations(wish, PAL) == {"deinterlacer": "must be given: fblend needs whole pictures"}
    target = decide(replace(wish, deinterlacer="bwdif"), PAL)
    assert motion(target) == ("top_first", "bwdif", "top_first", "fblend", "50", 25)


@pytest.mark.parametrize(
    ("tag", "rate"),
    [
        ("film_ntsc", "24000/1001"),
        ("film", "24"),
        ("video_pal", "25"),
        ("video_ntsc", "30000/1001"),
        ("video_hd", "30"),
        ("video_pal_fast", "50"),
        ("video_ntsc_fast", "60000/1001"),
        ("video_hd_fast", "60"),
        ("VIDEO_UHD_FAST", "120"),
    ],
)
@pytest.mark.parametrize("converter", [None, "fps", "fblend", "mcinterpolate"])
def test_frame_rate_tags(tag: str, rate: str, converter: str | None) -> None:
    target = decide(Wish(frame_rate_tag=tag, frame_rate_converter=converter), SOURCE)
    assert (target.frame_rate, target.frame_rate_converter) == (rate, converter or "fps")
    assert tag.lower() in TAGS


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (23.976, "24000/1001"),
        (23.98, "24000/1001"),
        (24.0, "24"),
        (29.97, "30000/1001"),
        (59.94, "60000/1001"),
        (47.952, "48000/1001"),
        (119.88, "120000/1001"),
        (12.5, "25/2"),
        (0.001, "1/1000"),
        (999.0, "999"),
        (29.9, "299/10"),
    ],
)
def test_frame_rates_are_exact(fps: float, rate: str) -> None:
    assert decide(Wish(fps=fps), SOURCE).frame_rate == rate
    assert str(exact(fps)) == rate


@pytest.mark.parametrize(
    ("wish", "field", "part"),
    [
        ({"fps": 0.0009}, "frameRate.fps", "not between 0.001 and 999"),
        ({"fps": 999.1}, "frameRate.fps", "not between 0.001 and 999"),
        ({"fps": float("nan")}, "frameRate.fps", "not between 0.001 and 999"),
        ({"frame_rate_converter": "fps"}, "frameRate", "must be given with a frameRateConverter"),
        ({"codec": "mpeg2", "fps": 48.0}, "frameRate", "mpeg2 has 23.976, 24, 25, 29.97, 30, 50"),
        ({"container": "mxf", "fps": 15.0}, "frameRate", "mxf has 23.976, 24"),
        ({"dnxhd_profile": "dnxhd_sq", "fps": 120.0}, "frameRate", "59.94, 60; not 120"),
        ({"codec": "xdcam", "frame_rate_tag": "film"}, "frameRate", "23.976, 25, 29.97; not 24"),
        (
            {"codec": "xdcam", "scanning_tag": "interlaced_tff", "frame_rate_tag": "video_pal"},
            "frameRate",
            "twice that where two pictures make one frame; not 25",
        ),
    ],
)
def test_frame_rates_that_cannot_be(wish: dict[str, Any], field: str, part: str) -> None:
    found = violations(Wish(**wish))
    assert list(found) == [field]
    assert part in found[field]


@pytest.mark.parametrize(
    ("rate", "codec", "chosen"),
    [
        ("30", "mpeg2", "30"),
        ("15", "mpeg2", "30"),
        ("2997/100", "mpeg2", "30000/1001"),
        ("48", "mpeg2", "24"),
        ("120", "mpeg2", "60"),
        ("29", "mpeg2", "30000/1001"),
        ("60000/1001", "xdcam", "30000/1001"),
        ("60", "xdcam", "30000/1001"),
        ("24", "xdcam", "24000/1001"),
    ],
)
def test_a_codec_of_few_rates_takes_the_one_that_changes_least(
    rate: str, codec: str, chosen: str
) -> None:
    source = replace(SOURCE, frame_rate=Fraction(rate))
    assert decide(Wish(codec=codec), source).frame_rate == chosen


def test_a_source_without_a_frame_rate_keeps_its_times() -> None:
    target = decide(Wish(codec="mpeg2"), replace(SOURCE, frame_rate=Fraction(0)))
    assert (target.frame_rate, target.average_framerate) == ("", None)


def test_telecined_film_is_taken_for_interlaced() -> None:
    """Also where its file says that it is progressive; nothing but fields is made of it."""
    scanning = {
        "metadata": {"scanning_type": "progressive"},
        "heuristics": {
            "scanning_type": "interlaced",
            "interlaced_field_order": "bottom_first",
            "pulldown": "3:2",
        },
    }
    metadata = {
        "codec_name": "mpeg2video",
        "frame_width": 720,
        "frame_height": 480,
        "pixel_format": {"name": "yuv420p", "chroma_subsampling": {"yuv": "4:2:0", "bits": 8}},
        "average_framerate": 30000 / 1001,
        "duration_in_millis": "4004",
        "scanning": scanning,
    }
    source = Source.of("film.mpg", metadata)
    kept = decide(Wish(container="mov", codec="prores", prores_profile="standard"), source)
    assert motion(kept)[:4] == ("bottom_first", "", "bottom_first", "")
    whole = decide(Wish(container="mp4", codec="hevc"), source)
    assert motion(whole)[:4] == ("bottom_first", "yadif", "", "")
