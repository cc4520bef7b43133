"""Every codec in every container, by decoding and by what ffprobe and MediaInfo say."""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from pathlib import Path

import av
import pytest

from services.media.engine.encoders import dnxhd, ffv1, h264, hevc, prores
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import VideoFacts, probe
from services.media.engine.transcode import transcode
from tests.media.material import FILM, unheard
from tests.media.measure import luma, psnr, resized, shown
from tests.media.oracles import ffprobe, mediainfo

HALF_A_SECOND = Fraction(1, 2)
FRAMES = 12
FULL_HD = 1920, 1080


@dataclass(frozen=True)
class Case:
    """A conversion, and what other programs are to say of the result."""

    container: str
    codec: str
    pixel_format: str
    profile: str = ""
    size: tuple[int, int] = (512, 288)
    bitrate: int = 0
    field_order: str = ""
    # By ffprobe: profile, tag, and the pixel format where it is another.
    says: dict[str, str] = field(default_factory=dict)
    # By MediaInfo.
    tells: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        order = self.field_order.split("_", maxsplit=1)[0]
        parts = (self.codec, self.profile, self.container, self.pixel_format, order)
        return "-".join(part for part in parts if part)


def convert(case: Case, target: Path, end: Fraction | None = HALF_A_SECOND) -> VideoFacts:
    """Make a file of the film; its facts."""
    constant = case.codec in ("mpeg2", "xdcam") or case.container == "mxf"
    rate = Fraction(24) if case.codec != "xdcam" else Fraction(25)
    filters = Filters(
        *case.size,
        case.pixel_format,
        frame_rate_converter="fps" if constant or case.field_order else "",
        frame_rate=rate * (2 if case.field_order else 1),
        target_field_order=case.field_order,
        end=end,
    )
    encoding = Encoding(case.container, case.codec, case.profile, case.bitrate)
    transcode(FILM, target, probe(FILM, unheard), filters, encoding, unheard)
    return probe(target, unheard)


def assert_as_told(case: Case, path: Path) -> None:
    stream = ffprobe(path)["streams"][0]
    names = {"mpeg2": "mpeg2video", "xdcam": "mpeg2video"}
    assert stream["codec_name"] == names.get(case.codec, case.codec)
    expected = {"pix_fmt": case.pixel_format} | case.says
    assert {name: stream.get(name) for name in expected} == expected
    told = mediainfo(path)
    assert {name: told.get(name) for name in case.tells} == case.tells


PRORES = [
    Case(
        "mov",
        "prores",
        prores.PIXEL_FORMATS[profile],
        profile,
        says={"codec_tag_string": tag, "profile": named}
        # What decodes it has twelve bits.
        | ({"pix_fmt": "yuv444p12le"} if "4444" in profile else {}),
        tells={"Format": "ProRes", "Format_Profile": told},
    )
    for profile, tag, named, told in (
        ("proxy", "apco", "Proxy", "422 Proxy"),
        ("lt", "apcs", "LT", "422 LT"),
        ("standard", "apcn", "Standard", "422"),
        ("hq", "apch", "HQ", "422 HQ"),
        ("4444", "ap4h", "4444", "4444"),
        ("4444xq", "ap4x", "XQ", "4444 XQ"),
    )
]
DNXHR = [
    Case(
        container,
        "dnxhd",
        dnxhd.PIXEL_FORMATS[profile],
        profile,
        size=(514, 290),
        says={"profile": named} | ({"codec_tag_string": "AVdh"} if container == "mov" else {}),
        tells={"Format": "VC-3", "Format_Commercial_IfAny": named.replace("DNXHR", "DNxHR")},
    )
    for container in ("mov", "mxf")
    for profile, named in (
        ("dnxhr_lb", "DNXHR LB"),
        ("dnxhr_sq", "DNXHR SQ"),
        ("dnxhr_hq", "DNXHR HQ"),
        ("dnxhr_hqx", "DNXHR HQX"),
        ("dnxhr_444", "DNXHR 444"),
    )
]
DNXHD = [
    Case(
        container,
        "dnxhd",
        dnxhd.PIXEL_FORMATS[profile],
        profile,
        size=size,
        field_order=order,
        says={"profile": "DNXHD"} | ({"codec_tag_string": "AVdn"} if container == "mov" else {}),
        tells={"Format": "VC-3", "Format_Level": level},
    )
    for container, profile, level, size, order in (
        ("mov", "dnxhd_lb", "LB", FULL_HD, ""),
        ("mov", "dnxhd_sq", "SQ", FULL_HD, "top_first"),
        ("mxf", "dnxhd_sq", "SQ", (1280, 720), ""),
        ("mxf", "dnxhd_hq", "HQ", FULL_HD, "top_first"),
        ("mov", "dnxhd_hq", "HQ", (1280, 720), ""),
        ("mov", "dnxhd_hqx", "HQX", FULL_HD, "bottom_first"),
        ("mxf", "dnxhd_hqx", "HQX", (1280, 720), ""),
    )
]
DNXHD_444 = [
    Case(
        container,
        "dnxhd",
        "yuv444p10le",
        "dnxhd_444",
        size=FULL_HD,
        says={"profile": "DNXHD"} | ({"codec_tag_string": "AVdn"} if container == "mov" else {}),
        tells={"Format": "VC-3", "Format_Profile": "HD", "Format_Level": "444"},
    )
    for container in ("mov", "mxf")
]
FFV1 = [
    Case("mov", "ffv1", name, says={"codec_tag_string": "FFV1"}, tells={"Format": "FFV1"})
    for name in ffv1.PIXEL_FORMATS
]
HEVC = [
    Case(
        container,
        "hevc",
        name,
        bitrate=400_000,
        says={"codec_tag_string": "hvc1"} if container != "mts" else {},
        tells={"Format": "HEVC"},
    )
    for container, name in (
        *product(["mp4"], hevc.PIXEL_FORMATS),
        ("mov", "yuv422p10le"),
        ("mts", "yuv420p"),
        ("mts", "yuv420p10le"),
    )
]
_H264_PROFILES = {
    "yuv420p": "High",
    "yuv422p": "High 4:2:2",
    "yuv444p": "High 4:4:4 Predictive",
    "yuv420p10le": "High 10",
    "yuv422p10le": "High 4:2:2",
    "yuv444p10le": "High 4:4:4 Predictive",
}
H264 = [
    Case(
        container,
        "h264",
        name,
        bitrate=400_000,
        says={"profile": _H264_PROFILES[name]}
        | ({"codec_tag_string": "avc1"} if container in ("mov", "mp4") else {}),
        tells={"Format": "AVC", "Format_Profile": _H264_PROFILES[name]},
    )
    for container, name in (
        *product(["mp4", "mxf"], h264.PIXEL_FORMATS),
        *product(["mov", "mts"], ["yuv420p", "yuv422p10le"]),
    )
]
MPEG2 = [
    Case(
        container,
        "mpeg2",
        name,
        bitrate=bitrate,
        size=size,
        says={"profile": profile},
        tells={"Format": "MPEG Video", "Format_Level": level},
    )
    for container, name, size, bitrate, profile, level in (
        ("mov", "yuv420p", (512, 288), 2_000_000, "Main", "Main"),
        ("mts", "yuv420p", (720, 576), 4_000_000, "Main", "Main"),
        ("mxf", "yuv422p", (720, 576), 8_000_000, "4:2:2", "Main"),
        ("mts", "yuv420p", FULL_HD, 18_000_000, "Main", "High"),
        ("mov", "yuv422p", (1280, 720), 20_000_000, "4:2:2", "High"),
        ("mxf", "yuv420p", (1440, 1080), 18_000_000, "Main", "High 1440"),
    )
]
INTERLACED = [
    Case(
        container,
        codec,
        pixel_format,
        profile,
        size=(720, 576),
        bitrate=bitrate,
        field_order=order,
        tells={
            "ScanType": "Interlaced" if codec != "h264" else "MBAFF",
            "ScanOrder": "TFF" if order == "top_first" else "BFF",
        },
        says={"pix_fmt": "yuv444p12le"} if profile == "4444" else {},
    )
    for order in ("top_first", "bottom_first")
    for container, codec, profile, pixel_format, bitrate in (
        ("mp4", "h264", "", "yuv420p", 2_000_000),
        ("mts", "h264", "", "yuv420p", 2_000_000),
        ("mov", "prores", "standard", "yuv422p10le", 0),
        ("mov", "prores", "4444", "yuv444p10le", 0),
        ("mov", "ffv1", "", "yuv422p10le", 0),
        ("mov", "mpeg2", "", "yuv420p", 5_000_000),
        ("mts", "mpeg2", "", "yuv420p", 5_000_000),
        ("mxf", "mpeg2", "", "yuv422p", 8_000_000),
    )
]


@pytest.mark.parametrize("case", PRORES + DNXHR + FFV1 + HEVC + H264 + MPEG2, ids=str)
def test_progressive(tmp_path: Path, case: Case) -> None:
    target = tmp_path / f"out.{case.container}"

    facts = convert(case, target)

    assert (facts.width, facts.height, facts.frames) == (*case.size, FRAMES)
    # Neither MXF aside says it of VC-3, nor a transport stream of HEVC.
    assert facts.scanning == "progressive" or case.codec in ("dnxhd", "hevc")
    assert facts.duration == HALF_A_SECOND
    assert_like_the_film(target, 30 if case.profile in ("proxy", "dnxhr_lb") else 33)
    assert_as_told(case, target)


@pytest.mark.parametrize("case", DNXHD + DNXHD_444, ids=str)
def test_dnxhd(tmp_path: Path, case: Case) -> None:
    target = tmp_path / f"out.{case.container}"

    facts = convert(case, target, Fraction(1, 6))

    assert facts.frames == 4
    if not case.field_order:
        assert_like_the_film(target)
    assert_as_told(case, target)


@pytest.mark.parametrize("case", INTERLACED, ids=str)
def test_interlaced(tmp_path: Path, case: Case) -> None:
    target = tmp_path / f"out.{case.container}"

    facts = convert(case, target)

    assert (facts.frames, facts.scanning) == (FRAMES, "interlaced")
    # FFmpeg reads every MXF of mixed fields as one of its top field first.
    assert facts.field_order == case.field_order or case.container == "mxf"
    first = shown(target).kept[0]
    assert first.interlaced_frame
    assert_as_told(case, target)


@pytest.mark.parametrize("order", ["", "top_first"], ids=["progressive", "tff"])
def test_xdcam(tmp_path: Path, order: str) -> None:
    target = tmp_path / "out.mxf"
    scan = {"ScanType": "Interlaced", "ScanOrder": "TFF"} if order else {"ScanType": "Progressive"}
    case = Case(
        "mxf",
        "xdcam",
        "yuv422p",
        size=FULL_HD,
        field_order=order,
        says={"profile": "4:2:2", "level": 2, "r_frame_rate": "25/1"},  # type: ignore[dict-item]
        tells={
            "Format_Commercial_IfAny": "XDCAM HD422",
            "Format_Profile": "4:2:2",
            "Format_Level": "High",
            "BitRate_Mode": "CBR",
            "BitRate": "50000000",
            **scan,
        },
    )

    facts = convert(case, target, Fraction(2))

    assert facts.frames == 50
    assert facts.stream_size * 8 / 2 == pytest.approx(50_000_000, rel=0.1)
    assert_as_told(case, target)
    assert mediainfo(target)["Format_Settings_GOP"] == "M=3, N=12"


def assert_like_the_film(path: Path, least: float = 33) -> None:
    old, new = shown(FILM), shown(path)
    for index, now in new.kept.items():
        wanted = resized(luma(old.kept[index]), now.width, now.height)
        assert psnr(wanted, luma(now)) > least, index


@pytest.mark.parametrize(
    ("codec", "bitrate"),
    [
        ("h264", 300_000),
        ("h264", 1_500_000),
        ("hevc", 300_000),
        ("hevc", 1_000_000),
        ("mpeg2", 1_500_000),
        ("mpeg2", 6_000_000),
    ],
)
@pytest.mark.parametrize("seconds", [2, 6])
def test_bitrate_is_kept_to(tmp_path: Path, codec: str, bitrate: int, seconds: int) -> None:
    target = tmp_path / "out.mov"

    facts = convert(Case("mov", codec, "yuv420p", bitrate=bitrate), target, Fraction(seconds))

    assert facts.stream_size * 8 / float(facts.duration) == pytest.approx(bitrate, rel=0.1)


@pytest.mark.parametrize(
    ("codec", "size", "bitrate"),
    [
        ("h264", (16, 16), 4_000_000_000),
        ("h264", (1918, 34), 10_000),
        ("mpeg2", (16, 16), 80_000_000),
        ("mpeg2", (18, 22), 10_000),
        ("mpeg2", (1918, 34), 10_000),
        ("mpeg2", (256, 120), 80_000_000),
    ],
)
def test_odd_sizes_at_odd_rates(
    tmp_path: Path, codec: str, size: tuple[int, int], bitrate: int
) -> None:
    target = tmp_path / "out.mov"
    facts = convert(Case("mov", codec, "yuv420p", size=size, bitrate=bitrate), target)
    assert (facts.width, facts.height, facts.frames) == (*size, FRAMES)
    assert len(shown(target).times) == FRAMES


@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg2"])
def test_players_find_a_key_frame_every_two_seconds(tmp_path: Path, codec: str) -> None:
    target = tmp_path / "out.mov"
    convert(Case("mov", codec, "yuv420p", size=(128, 72), bitrate=200_000), target, None)
    gaps = key_frame_gaps(target)
    assert len(gaps) >= 2
    assert max(gaps) <= 2


def key_frame_gaps(path: Path) -> list[Fraction]:
    """Seconds between key frames, and from the last to the end."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        keys = [
            packet.pts * packet.time_base
            for packet in container.demux(stream)
            if packet.size and packet.is_keyframe and packet.pts is not None
        ]
    return [
        after - before for before, after in zip(keys, [*keys[1:], shown(path).end], strict=True)
    ]
