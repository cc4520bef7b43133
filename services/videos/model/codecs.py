"""What each codec and profile can hold, which is what FFmpeg's encoders take.

The encoders are libx264, libx265, prores_ks, dnxhd, mpeg2video and ffv1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from services.videos.model import rates
from services.videos.model.size import SMALLEST, Size

CODECS_OF = {
    "mov": ("h264", "prores", "dnxhd", "hevc", "mpeg2", "ffv1"),
    "mxf": ("h264", "xdcam", "mpeg2", "dnxhd"),
    "mp4": ("h264", "hevc"),
    "mts": ("h264", "hevc", "mpeg2"),
}
"""The codecs of each container, the usual one first."""

FULL_HD, HD = Size(1920, 1080), Size(1280, 720)
XDCAM_BITRATE = 50_000_000
_DNXHR_MINIMUM = Size(256, 120)
_MOST = Size(8192, 8192)
_FROM_8_TO_16 = (8, 10, 12, 14, 16)


@dataclass(frozen=True)
class Encoding:
    """What a codec with one of its profiles can hold.

    `depths` are the bits per sample by chroma subsampling; `frames` the only sizes, if
    they are fixed, and `interlaced_frames` those of them that may be interlaced; `rates`
    the only frame rates; `bitrate` the only bit rate. `sets_bitrate` says whether a
    bit rate can be asked for, `most_bits` how much of it each subsampling can have.
    `frame_bytes` are those of each frame, where frames of one size all take the same.
    """

    name: str
    depths: Mapping[str, tuple[int, ...]]
    interlaces: bool = True
    sets_bitrate: bool = True
    bitrate: int | None = None
    rates: tuple[Fraction, ...] = ()
    least: Size = SMALLEST
    most: Size = _MOST
    most_bits: Mapping[str, int] = field(default_factory=dict)
    frames: tuple[Size, ...] = ()
    interlaced_frames: tuple[Size, ...] = ()
    frame_bytes: Mapping[Size, int] = field(default_factory=dict)
    # Of a frame whose bytes follow from its macroblocks: bytes for each 255 of them.
    macroblock_bytes: int = 0

    def bytes_a_frame(self, size: Size) -> int | None:
        """Bytes of a frame of `size`; None where they differ from frame to frame."""
        if self.macroblock_bytes:
            macroblocks = -(-size.width // 16) * -(-size.height // 16)
            pages = (macroblocks * self.macroblock_bytes // 255 + 2048) // 4096
            return max(pages * 4096, 8192)
        return self.frame_bytes.get(size)


def _prores(profile: str, yuv: str) -> Encoding:
    return Encoding(f"prores {profile}", {yuv: (10,)}, sets_bitrate=False)


def _dnxhd(profile: str, yuv: str, bits: int, frame_bytes: Mapping[Size, int]) -> Encoding:
    return Encoding(
        profile,
        {yuv: (bits,)},
        interlaces=profile not in ("dnxhd_lb", "dnxhd_444"),
        sets_bitrate=False,
        rates=rates.BROADCAST,
        frames=tuple(frame_bytes),
        interlaced_frames=(FULL_HD,),
        frame_bytes=frame_bytes,
    )


def _dnxhr(profile: str, yuv: str, bits: int, macroblock_bytes: int) -> Encoding:
    return Encoding(
        profile,
        {yuv: (bits,)},
        interlaces=False,
        sets_bitrate=False,
        least=_DNXHR_MINIMUM,
        macroblock_bytes=macroblock_bytes,
    )


PRORES = {
    **{name: _prores(name, "4:2:2") for name in ("proxy", "lt", "standard", "hq")},
    **{name: _prores(name, "4:4:4") for name in ("4444", "4444xq")},
}
"""The profiles of Apple ProRes; the encoder takes 10 bits for the 12-bit ones too."""

DNXHD = {
    "dnxhd_lb": _dnxhd("dnxhd_lb", "4:2:2", 8, {FULL_HD: 188416}),
    "dnxhd_sq": _dnxhd("dnxhd_sq", "4:2:2", 8, {FULL_HD: 606208, HD: 303104}),
    "dnxhd_hq": _dnxhd("dnxhd_hq", "4:2:2", 8, {FULL_HD: 917504, HD: 458752}),
    "dnxhd_hqx": _dnxhd("dnxhd_hqx", "4:2:2", 10, {FULL_HD: 917504, HD: 458752}),
    "dnxhd_444": _dnxhd("dnxhd_444", "4:4:4", 10, {FULL_HD: 1835008}),
    "dnxhr_lb": _dnxhr("dnxhr_lb", "4:2:2", 8, 5888),
    "dnxhr_sq": _dnxhr("dnxhr_sq", "4:2:2", 8, 18944),
    "dnxhr_hq": _dnxhr("dnxhr_hq", "4:2:2", 8, 28672),
    "dnxhr_hqx": _dnxhr("dnxhr_hqx", "4:2:2", 10, 28672),
    "dnxhr_444": _dnxhr("dnxhr_444", "4:4:4", 10, 57344),
}
"""The profiles of VC-3: DNxHD has fixed frames, DNxHR any; the encoder has 10 bits at most."""

PLAIN = {
    "h264": Encoding("h264", dict.fromkeys(("4:2:0", "4:2:2", "4:4:4"), (8, 10))),
    # Of smaller pictures x265 breaks its memory.
    "hevc": Encoding(
        "hevc",
        dict.fromkeys(("4:2:0", "4:2:2", "4:4:4"), (8, 10, 12)),
        interlaces=False,
        least=Size(64, 64),
    ),
    "mpeg2": Encoding(
        "mpeg2",
        dict.fromkeys(("4:2:0", "4:2:2"), (8,)),
        rates=rates.BROADCAST,
        most=Size(1920, 1152),
        most_bits={"4:2:0": 80_000_000, "4:2:2": 300_000_000},
    ),
    "xdcam": Encoding(
        "xdcam",
        {"4:2:2": (8,)},
        bitrate=XDCAM_BITRATE,
        rates=rates.XDCAM,
        frames=(FULL_HD,),
        interlaced_frames=(FULL_HD,),
    ),
    "ffv1": Encoding(
        "ffv1",
        {
            **dict.fromkeys(("4:1:0", "4:1:1"), (8,)),
            **dict.fromkeys(("4:2:0", "4:2:2", "4:4:4"), _FROM_8_TO_16),
            "4:4:0": (8, 10, 12),
        },
        sets_bitrate=False,
    ),
}
"""The codecs without profiles to choose from."""

CODECS = ("h264", "prores", "dnxhd", "xdcam", "hevc", "mpeg2", "ffv1")


def pixel_format(yuv: str, bits: int) -> str:
    """FFmpeg's name for planar YUV."""
    return f"yuv{yuv.replace(':', '')}p" + (f"{bits}le" if bits > 8 else "")
