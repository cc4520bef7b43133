"""The values of `process-video`: which are documented, and which run today."""

from dataclasses import dataclass, replace

from services.videos.model.codecs import CODECS, CODECS_OF, DNXHD, PRORES
from services.videos.model.problems import Problems
from services.videos.model.rates import TAGS
from services.videos.model.wishes import Wish

BOXES = {"hd_1080p": (1920, 1080), "uhd_4k": (3840, 2160), "uhd_8k": (7680, 4320)}
"""The frame, in pixels, that a resolution tag fits the picture into."""
FACTORS = {"no_scaling": 1, "2x": 2, "3x": 3, "4x": 4}
"""The factor of a resolution tag that multiplies the source frame."""


@dataclass(frozen=True)
class Choice:
    """A field that takes one of a few words.

    `field` is its path in the request's JSON; `wish` is the attribute of
    `wishes.Wish` that carries it; words that are documented but not
    available are in `missing`, refused as "not available yet".
    """

    field: str
    wish: str
    documented: tuple[str, ...]
    missing: tuple[str, ...] = ()

    @property
    def available(self) -> tuple[str, ...]:
        """The words that run."""
        return tuple(word for word in self.documented if word not in self.missing)

    def check(self, value: str, problems: Problems) -> bool:
        """Whether the lower-case `value` runs; if not, say why."""
        if value in self.available:
            return True
        if value not in self.documented:
            problems.add(self.field, f"{value!r} is not one of {', '.join(self.documented)}")
        else:
            instead = f"; available: {', '.join(self.available)}" if self.available else ""
            problems.add(self.field, f"{value!r} is not available yet{instead}")
        return False


def known(wish: Wish, problems: Problems) -> Wish:
    """Return `wish` without the words that do not run, which become problems."""
    unknown = {
        choice.wish: None
        for choice in CHOICES
        if (value := getattr(wish, choice.wish)) is not None and not choice.check(value, problems)
    }
    return replace(wish, **unknown)  # type: ignore[arg-type]


_CLARITY = ("none", "marginal", "very_low", "low", "medium", "high", "very_high")
_CLARITY_NUMBERS = tuple(map(str, range(len(_CLARITY))))

CHOICES = (
    Choice("mediaContainerCodec.container", "container", tuple(CODECS_OF)),
    Choice("mediaContainerCodec.codec", "codec", CODECS),
    Choice("appleProresProfile", "prores_profile", tuple(PRORES)),
    Choice("dnxhdHrProfile", "dnxhd_profile", tuple(DNXHD)),
    Choice(
        "scanning.tag", "scanning_tag", ("auto", "progressive", "interlaced_tff", "interlaced_bff")
    ),
    Choice("scanning.scanningType", "scanning_type", ("progressive", "interlaced")),
    Choice("scanning.interlacedFieldOrder", "field_order", ("top_field", "bottom_field")),
    Choice("chromaSubsampling.yuv", "yuv", ("4:1:0", "4:1:1", "4:2:0", "4:2:2", "4:4:0", "4:4:4")),
    Choice(
        "deinterlacer", "deinterlacer", ("deint", "yadif", "bwdif", "weston3f"), missing=("deint",)
    ),
    Choice("denoiser", "denoiser", ("denoise", "hqdn3d"), missing=("denoise",)),
    Choice("stabilizer", "stabilizer", ("dejit",), missing=("dejit",)),
    Choice(
        "scaler",
        "scaler",
        ("pabsr1", "dvres", "dvres2", "scale"),
        missing=("pabsr1", "dvres", "dvres2"),
    ),
    Choice("resolution.tag", "resolution_tag", (*BOXES, *FACTORS)),
    Choice("resolution.aspectRatioTag", "aspect_ratio_tag", ("display", "storage", "16:9", "4:3")),
    Choice(
        "clarityBoost",
        "clarity_boost",
        (*_CLARITY, *_CLARITY_NUMBERS),
        missing=(*_CLARITY[1:], *_CLARITY_NUMBERS[1:]),
    ),
    Choice(
        "frameRateConverter",
        "frame_rate_converter",
        ("fps", "fblend", "mcinterpolate", "vfi"),
        missing=("vfi",),
    ),
    Choice("frameRate.tag", "frame_rate_tag", tuple(TAGS)),
    Choice("postProcessor", "post_processor", ("filmgrain",), missing=("filmgrain",)),
)
