"""Containers, codecs, profiles, pixels and bit rates: what fits and what follows."""

from dataclasses import replace
from typing import Any

import pytest

from services.videos.model.codecs import CODECS_OF
from services.videos.model.targets import decide
from services.videos.model.wishes import Wish
from tests.videos.originals import SOURCE, violations

HD = replace(SOURCE, width=1920, height=1080)
PROFILES: dict[str, dict[str, Any]] = {
    "prores": {"prores_profile": "standard"},
    "dnxhd": {"dnxhd_profile": "dnxhr_sq"},
}
CODECS = ("h264", "prores", "dnxhd", "xdcam", "hevc", "mpeg2", "ffv1")


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("container", CODECS_OF)
def test_every_container_with_every_codec(container: str, codec: str) -> None:
    wish = Wish(container=container.upper(), codec=codec.upper(), **PROFILES.get(codec, {}))
    if codec in CODECS_OF[container]:
        target = decide(wish, HD)
        assert (target.container, target.codec) == (container, codec)
        assert target.file_name == f"my.film.{container}"
    else:
        found = violations(wish, HD)
        assert (
            f"which takes {', '.join(CODECS_OF[container])}" in found["mediaContainerCodec.codec"]
        )


@pytest.mark.parametrize(
    ("source", "wish", "made"),
    [
        ("mp4/h264", {}, "mp4/h264"),
        ("mov/prores", {}, "mov/prores"),
        ("mxf/mpeg2", {}, "mxf/mpeg2"),
        ("mts/mpeg2", {}, "mts/mpeg2"),
        ("mp4/mpeg4", {}, "mp4/h264"),
        ("matroska,webm/vp9", {}, "mp4/h264"),
        ("matroska,webm/hevc", {}, "mp4/hevc"),
        ("mov/prores", {"container": "mp4"}, "mp4/h264"),
        ("mov/prores", {"container": "mxf"}, "mxf/h264"),
        ("mp4/h264", {"codec": "xdcam"}, "mxf/xdcam"),
        ("mp4/h264", {"codec": "ffv1"}, "mov/ffv1"),
        ("mov/h264", {"codec": "mpeg2"}, "mov/mpeg2"),
        ("mp4/h264", {"codec": "mpeg2"}, "mov/mpeg2"),
        ("mts/h264", {"codec": "hevc"}, "mts/hevc"),
        ("mp4/h264", {"prores_profile": "hq"}, "mov/prores"),
        ("mxf/h264", {"dnxhd_profile": "dnxhd_sq"}, "mxf/dnxhd"),
    ],
)
def test_container_and_codec_follow_from_the_source(
    source: str, wish: dict[str, Any], made: str
) -> None:
    container, codec = source.split("/")
    target = decide(Wish(**wish), replace(HD, container=container, codec=codec))
    assert f"{target.container}/{target.codec}" == made


@pytest.mark.parametrize(
    ("source", "wish", "made"),
    [
        ("mts/mpeg2", {"resizes": True, "resolution_tag": "uhd_4k"}, "mts/h264"),
        ("mov/hevc", {"scanning_tag": "interlaced_tff"}, "mov/h264"),
        ("mov/hevc", {"scanning_type": "interlaced", "field_order": "top_field"}, "mov/h264"),
        ("mov/prores", {"mbps": 20.0}, "mov/h264"),
        ("mov/dnxhd", {"resizes": True, "width": 64, "height": 36}, "mov/h264"),
        ("mov/ffv1", {"resizes": True, "width": 64, "height": 36}, "mov/ffv1"),
    ],
)
def test_a_codec_that_cannot_do_what_is_asked_is_not_inherited(
    source: str, wish: dict[str, Any], made: str
) -> None:
    container, codec = source.split("/")
    target = decide(Wish(**wish), replace(HD, container=container, codec=codec))
    assert f"{target.container}/{target.codec}" == made


@pytest.mark.parametrize(
    ("wish", "field", "part"),
    [
        ({"codec": "prores"}, "appleProresProfile", "proxy, lt, standard, hq, 4444, 4444xq"),
        ({"codec": "dnxhd"}, "dnxhdHrProfile", "dnxhd_lb, dnxhd_sq"),
        ({"codec": "h264", "prores_profile": "hq"}, "appleProresProfile", "only for codec prores"),
        (
            {"codec": "prores", "prores_profile": "hq", "dnxhd_profile": "dnxhr_hq"},
            "dnxhdHrProfile",
            "only for codec dnxhd",
        ),
    ],
)
def test_profiles_belong_to_their_codecs(wish: dict[str, Any], field: str, part: str) -> None:
    found = violations(Wish(**wish))
    assert list(found) == [field]
    assert part in found[field]


@pytest.mark.parametrize(
    ("codec", "yuv", "bits", "profile", "pixels"),
    [
        ("prores", "4:2:2", 10, "standard", "yuv422p10le"),
        ("prores", "4:4:4", 12, "4444", "yuv444p10le"),
        ("dnxhd", "4:2:2", 8, "dnxhr_sq", "yuv422p"),
        ("dnxhd", "4:2:2", 10, "dnxhr_hqx", "yuv422p10le"),
        ("dnxhd", None, 8, "dnxhr_444", "yuv444p10le"),
    ],
)
def test_profiles_of_inherited_codecs_follow_from_the_colours(
    codec: str, yuv: str | None, bits: int, profile: str, pixels: str
) -> None:
    source = replace(SOURCE, container="mov", codec=codec, yuv=yuv, bits=bits, pixel_format="x")
    target = decide(Wish(), source)
    assert (target.codec, target.profile, target.pixel_format) == (codec, profile, pixels)


@pytest.mark.parametrize(
    ("codec", "depths"),
    [
        ("h264", {"4:2:0": "8 10", "4:2:2": "8 10", "4:4:4": "8 10"}),
        ("hevc", {"4:2:0": "8 10 12", "4:2:2": "8 10 12", "4:4:4": "8 10 12"}),
        ("mpeg2", {"4:2:0": "8", "4:2:2": "8"}),
        ("xdcam", {"4:2:2": "8"}),
        (
            "ffv1",
            {
                **dict.fromkeys(("4:1:0", "4:1:1"), "8"),
                **dict.fromkeys(("4:2:0", "4:2:2", "4:4:4"), "8 10 12 14 16"),
                "4:4:0": "8 10 12",
            },
        ),
    ],
)
def test_every_subsampling_and_depth(codec: str, depths: dict[str, str]) -> None:
    for yuv in ("4:1:0", "4:1:1", "4:2:0", "4:2:2", "4:4:0", "4:4:4"):
        for bits in (8, 10, 12, 14, 16):
            wish = Wish(codec=codec, yuv=yuv, bits=bits)
            if str(bits) in depths.get(yuv, "").split():
                target = decide(wish, HD)
                assert (target.yuv, target.bits) == (yuv, bits)
            elif yuv in depths:
                has = depths[yuv].replace(" ", ", ")
                said = violations(wish, HD)["chromaSubsampling.bits"]
                assert said == f"{codec} with {yuv} has {has} bits, not {bits}"
            else:
                said = violations(wish, HD)["chromaSubsampling.yuv"]
                assert said == f"{codec} has {', '.join(depths)}, not {yuv}"


def test_a_depth_alone_chooses_a_subsampling_that_has_it() -> None:
    source = replace(SOURCE, yuv="4:1:1", container="mov", codec="ffv1")
    assert decide(Wish(), source).pixel_format == "yuv411p"
    assert decide(Wish(bits=12), source).pixel_format == "yuv422p12le"
    assert decide(Wish(yuv="4:2:0"), replace(source, bits=9)).pixel_format == "yuv420p10le"


@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ({"codec": "prores", "prores_profile": "hq"}, "prores hq: the profile decides"),
        ({"codec": "dnxhd", "dnxhd_profile": "dnxhr_lb"}, "dnxhr_lb: the profile decides"),
        ({"codec": "ffv1"}, "ffv1: the content decides"),
        ({"codec": "xdcam"}, "xdcam has 50, not 20"),
    ],
)
def test_bit_rates_that_cannot_be_chosen(codec: dict[str, Any], said: str) -> None:
    assert said in violations(Wish(mbps=20.0, **codec), HD)["bitrate.mbps"]


def test_bit_rates_of_mpeg2_have_a_limit() -> None:
    said = violations(Wish(codec="mpeg2", mbps=80.5), HD)["bitrate.mbps"]
    assert said == "mpeg2 has 80 at most, not 80.5"
    assert decide(Wish(codec="mpeg2", mbps=80.5, yuv="4:2:2"), HD).bitrate == 80_500_000
    assert decide(Wish(codec="mpeg2"), replace(HD, bitrate=5e8)).bitrate == 80_000_000


@pytest.mark.parametrize(
    ("wish", "bitrate"),
    [
        ({"codec": "xdcam"}, 50_000_000),
        ({"codec": "xdcam", "mbps": 50.0}, 50_000_000),
        ({"codec": "dnxhd", "dnxhd_profile": "dnxhd_sq"}, 606208 * 8 * 30),
        ({"codec": "dnxhd", "dnxhd_profile": "dnxhr_hqx"}, 917504 * 8 * 30),
        ({"codec": "prores", "prores_profile": "lt"}, None),
        ({"codec": "ffv1"}, None),
        ({"codec": "hevc"}, 6_000_000),
        ({"codec": "mpeg2"}, 20_000_000),
    ],
)
def test_bit_rates_follow_from_the_codec(wish: dict[str, Any], bitrate: int | None) -> None:
    assert decide(Wish(**wish), replace(HD, bitrate=10e6)).bitrate == bitrate


def test_a_source_for_editing_does_not_ask_h264_for_more_than_it_can_use() -> None:
    source = replace(HD, container="mov", codec="prores", bitrate=180e6)
    assert decide(Wish(codec="h264"), source).bitrate == 45_000_000
    assert decide(Wish(codec="h264"), replace(source, bitrate=900e6)).bitrate == 1920 * 1080 * 30


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"dnxhd_profile": "dnxhd_hq", "width": 1024, "height": 576}, "1280x720 and 1920x1080"),
        ({"dnxhd_profile": "dnxhd_lb", "width": 1280, "height": 720}, "has 1920x1080, not 1280x"),
        ({"dnxhd_profile": "dnxhr_lb", "width": 254, "height": 120}, "from 256x120"),
        ({"codec": "xdcam", "width": 1440, "height": 1080}, "has 1920x1080, not 1440x1080"),
        ({"codec": "mpeg2", "resolution_tag": "uhd_4k"}, "to 1920x1152, not 3780x2160"),
    ],
)
def test_frames_that_a_codec_does_not_have(wish: dict[str, Any], said: str) -> None:
    assert said in violations(Wish(resizes=True, **wish))["resolution"]


@pytest.mark.parametrize(
    ("wish", "size"),
    [
        ({}, (1280, 720)),
        ({"resolution_tag": "no_scaling"}, (1280, 720)),
        ({"resolution_tag": "hd_1080p"}, (1920, 1080)),
        ({"width": 1280, "aspect_ratio_tag": "16:9"}, (1280, 720)),
    ],
)
def test_fixed_frames_are_chosen_where_none_is_asked(
    wish: dict[str, Any], size: tuple[int, int]
) -> None:
    target = decide(Wish(dnxhd_profile="dnxhd_sq", resizes=bool(wish), **wish), SOURCE)
    assert ((target.width, target.height), target.scaler) == (size, "scale")


def test_a_fixed_frame_for_a_source_that_no_frame_holds_is_the_largest() -> None:
    source = replace(SOURCE, width=4096, height=2160)
    target = decide(Wish(dnxhd_profile="dnxhd_sq"), source)
    assert (target.width, target.height) == (1920, 1080)
