"""The values of `process-video`: which are documented, and which run today."""

from dataclasses import dataclass

from services.chassis.errors import Violation

CODECS_OF = {
    "mov": ("h264", "prores", "dnxhd", "hevc", "mpeg2", "ffv1"),
    "mxf": ("h264", "xdcam", "mpeg2", "dnxhd"),
    "mp4": ("h264", "hevc"),
    "mts": ("h264", "hevc", "mpeg2"),
}
"""The documented codecs of each container."""

H264_YUV = ("4:2:0", "4:2:2", "4:4:4")
H264_BITS = (8, 10)

BOXES = {"hd_1080p": (1920, 1080), "uhd_4k": (3840, 2160), "uhd_8k": (7680, 4320)}
"""The frame, in pixels, that a resolution tag fits the picture into."""
FACTORS = {"no_scaling": 1, "2x": 2, "3x": 3, "4x": 4}
"""The factor of a resolution tag that multiplies the source frame."""


@dataclass(frozen=True)
class Choice:
    """A field that takes one of a few words.

    `field` is its path in the request's JSON; `wish` is the attribute of
    `targets.Wish` that carries it; words that are documented but not
    `available` are refused as "not available yet".
    """

    field: str
    wish: str
    documented: tuple[str, ...]
    available: tuple[str, ...] = ()

    def violation(self, value: str) -> Violation | None:
        """What is wrong with the lower-case `value`, if anything."""
        if value in self.available:
            return None
        if value not in self.documented:
            words = ", ".join(self.documented)
            return Violation(field=self.field, description=f"{value!r} is not one of {words}")
        return not_yet(self.field, value, self.available)


def not_yet(field: str, value: object, available: tuple[str, ...] = ()) -> Violation:
    """The refusal of a documented value that nothing here can run so far."""
    instead = f"; available: {', '.join(available)}" if available else ""
    return Violation(field=field, description=f"{value!r} is not available yet{instead}")


CHOICES = (
    Choice("mediaContainerCodec.container", "container", tuple(CODECS_OF), ("mov", "mp4")),
    Choice(
        "mediaContainerCodec.codec",
        "codec",
        ("h264", "prores", "dnxhd", "xdcam", "hevc", "mpeg2", "ffv1"),
        ("h264",),
    ),
    Choice(
        "appleProresProfile",
        "prores_profile",
        ("proxy", "lt", "standard", "hq", "4444", "4444xq"),
    ),
    Choice(
        "dnxhdHrProfile",
        "dnxhd_profile",
        tuple(
            f"{family}_{quality}"
            for family in ("dnxhd", "dnxhr")
            for quality in ("lb", "sq", "hq", "hqx", "444")
        ),
    ),
    Choice(
        "scanning.tag",
        "scanning_tag",
        ("auto", "progressive", "interlaced_tff", "interlaced_bff"),
        ("auto", "progressive"),
    ),
    Choice(
        "scanning.scanningType", "scanning_type", ("progressive", "interlaced"), ("progressive",)
    ),
    Choice("scanning.interlacedFieldOrder", "field_order", ("top_field", "bottom_field")),
    Choice(
        "chromaSubsampling.yuv",
        "yuv",
        ("4:1:0", "4:1:1", "4:2:0", "4:2:2", "4:4:0", "4:4:4"),
        H264_YUV,
    ),
    Choice("deinterlacer", "deinterlacer", ("deint", "yadif", "bwdif", "weston3f")),
    Choice("denoiser", "denoiser", ("denoise", "hqdn3d")),
    Choice("stabilizer", "stabilizer", ("dejit",)),
    Choice("scaler", "scaler", ("pabsr1", "dvres", "dvres2", "scale"), ("scale",)),
    Choice("resolution.tag", "resolution_tag", (*BOXES, *FACTORS), (*BOXES, *FACTORS)),
    Choice(
        "resolution.aspectRatioTag",
        "aspect_ratio_tag",
        ("display", "storage", "16:9", "4:3"),
        ("display", "storage", "16:9", "4:3"),
    ),
    Choice(
        "clarityBoost",
        "clarity_boost",
        (
            *("none", "marginal", "very_low", "low", "medium", "high", "very_high"),
            *map(str, range(7)),
        ),
        ("none", "0"),
    ),
    Choice("frameRateConverter", "frame_rate_converter", ("fps", "fblend", "mcinterpolate", "vfi")),
    Choice(
        "frameRate.tag",
        "frame_rate_tag",
        (
            *("film_ntsc", "film", "video_pal", "video_ntsc", "video_hd"),
            *("video_pal_fast", "video_ntsc_fast", "video_hd_fast", "video_uhd_fast"),
        ),
    ),
    Choice("postProcessor", "post_processor", ("filmgrain",)),
)
