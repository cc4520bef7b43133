"""Decides whether the new video is interlaced, and how an interlaced source is taken apart."""

from dataclasses import dataclass

from services.videos.model.codecs import CODECS, DNXHD, PLAIN, PRORES
from services.videos.model.packaging import Package
from services.videos.model.problems import Problems
from services.videos.model.wishes import Source, Wish

DOUBLING = ("bwdif", "weston3f")
"""Deinterlacers that make a frame of every field."""
_WHOLE_PICTURES = ("fblend", "mcinterpolate")
"""Frame rate converters that mix pictures and so cannot take two fields in one."""
_ORDERS = {
    "interlaced_tff": "top_first",
    "interlaced_bff": "bottom_first",
    "top_field": "top_first",
    "bottom_field": "bottom_first",
}


@dataclass(frozen=True)
class Scan:
    """Field orders are top_first or bottom_first, empty where there are no fields.

    `weaves` says that every two pictures become the fields of one frame.
    """

    source_field_order: str
    deinterlacer: str
    target_field_order: str

    @property
    def doubles(self) -> bool:
        """Whether every field becomes a picture."""
        return self.deinterlacer in DOUBLING

    @property
    def weaves(self) -> bool:
        """Whether every two pictures become the fields of one frame."""
        progressive = not self.source_field_order or bool(self.deinterlacer)
        return progressive and bool(self.target_field_order)


def decide_scan(wish: Wish, source: Source, package: Package, problems: Problems) -> Scan:
    """Return how fields are taken and made.

    Left to itself an interlaced picture stays so, field by field, unless a filter
    or the codec needs whole pictures. A deinterlacer runs whenever it is asked for.
    """
    mixes = wish.frame_rate_converter in _WHOLE_PICTURES
    asked = _asked(wish, problems)
    deinterlacer = wish.deinterlacer or ""
    if asked is None:
        stays = source.interlaced and not deinterlacer and not mixes
        target = source.field_order if stays and package.encoding.interlaces else ""
    else:
        target = asked
    if target and not package.encoding.interlaces:
        problems.add("scanning", f"{package.encoding.name} is progressive only; {_INTERLACING}")
    if source.interlaced and not deinterlacer:
        if target and mixes:
            description = f"must be given: {wish.frame_rate_converter} needs whole pictures"
            problems.add("deinterlacer", description)
        deinterlacer = "" if target else "yadif"
    taken = source.field_order if source.interlaced or deinterlacer else ""
    return Scan(taken, deinterlacer, target)


def _asked(wish: Wish, problems: Problems) -> str | None:
    """The field order asked for, empty for progressive; None leaves the choice to us."""
    if wish.scanning_tag is not None and wish.scanning_type is not None:
        problems.add("scanning", "takes a tag or a scanningType, not both together")
    field = "scanning.interlacedFieldOrder"
    if wish.field_order is not None and wish.scanning_type != "interlaced":
        problems.add(field, "is only for scanningType interlaced")
    if wish.scanning_type == "interlaced":
        if wish.field_order is None:
            description = "must be top_field or bottom_field when scanningType is interlaced"
            problems.add(field, description)
        return _ORDERS[wish.field_order or "top_field"]
    if wish.scanning_tag in _ORDERS:
        return _ORDERS[wish.scanning_tag]
    return "" if "progressive" in (wish.scanning_tag, wish.scanning_type) else None


def _interlacing() -> str:
    families = {**PLAIN, "prores": PRORES["standard"], "dnxhd": DNXHD["dnxhd_sq"]}
    codecs = [name for name in CODECS if families[name].interlaces]
    return f"interlaced are {', '.join(codecs)} (of dnxhd: dnxhd_sq, dnxhd_hq, dnxhd_hqx)"


_INTERLACING = _interlacing()
