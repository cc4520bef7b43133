"""Decides the size of the processed frame from a resolution, in pixels."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from services.chassis.errors import Violation
from services.videos.model.vocabulary import BOXES, FACTORS

LEAST = 16
WIDEST, HIGHEST = 7680, 4320


class Size(NamedTuple):
    """A frame in stored pixels."""

    width: int
    height: int


class Resolution(Protocol):
    """The part of a wish that says how big the frame is to be."""

    @property
    def resizes(self) -> bool: ...
    @property
    def resolution_tag(self) -> str | None: ...
    @property
    def width(self) -> int | None: ...
    @property
    def height(self) -> int | None: ...
    @property
    def aspect_ratio_tag(self) -> str | None: ...


def decide_size(wish: Resolution, source: Size, display_aspect_ratio: float | None) -> Size:
    """Return the frame that `wish` asks for, both sides even.

    A tag such as hd_1080p is a box: the picture keeps its stored aspect ratio
    and fills the box in one direction. One side given alone finds the other by
    the aspect ratio tag (storage when absent). `wish` has no size violations.
    """
    tag = wish.resolution_tag
    if tag in BOXES:
        box = BOXES[tag]
        factor = min(box[0] / source.width, box[1] / source.height)
        return _even(source.width * factor, source.height * factor)
    if tag in FACTORS:
        return _even(source.width * FACTORS[tag], source.height * FACTORS[tag])
    aspect = _aspect(wish.aspect_ratio_tag, source, display_aspect_ratio)
    if wish.width is not None:
        return _even(wish.width, wish.height if wish.height is not None else wish.width / aspect)
    if wish.height is not None:
        return _even(wish.height * aspect, wish.height)
    return _even(*source)


def size_violations(
    wish: Resolution, source: Size, display_aspect_ratio: float | None
) -> Iterator[Violation]:
    """What is wrong with the resolution of `wish`, its unknown words apart."""
    sides = (wish.width, wish.height)
    given = sum(side is not None for side in sides)
    if wish.resolution_tag is not None and (given or wish.aspect_ratio_tag is not None):
        yield Violation(
            field="resolution", description="takes a tag or width and height, not both together"
        )
    elif wish.resizes and wish.resolution_tag is None and not given:
        yield Violation(field="resolution", description="needs a tag, a width or a height")
    elif given == 2 and wish.aspect_ratio_tag is not None:
        yield Violation(
            field="resolution.aspectRatioTag",
            description="cannot be given together with both width and height",
        )
    else:
        yield from _range_violations(wish, source, display_aspect_ratio)


def _range_violations(
    wish: Resolution, source: Size, display_aspect_ratio: float | None
) -> Iterator[Violation]:
    limits = (("width", wish.width, WIDEST), ("height", wish.height, HIGHEST))
    wrong = [
        (name, most)
        for name, side, most in limits
        if side is not None and not LEAST <= side <= most
    ]
    for name, most in wrong:
        yield Violation(
            field=f"resolution.{name}", description=f"must be between {LEAST} and {most}"
        )
    if wrong or not wish.resizes or wish.resolution_tag == "no_scaling":
        return
    size = decide_size(wish, source, display_aspect_ratio)
    if not (LEAST <= size.width <= WIDEST and LEAST <= size.height <= HIGHEST):
        yield Violation(
            field="resolution",
            description=f"would make {size.width}x{size.height} pixels; from {LEAST}x{LEAST}"
            f" to {WIDEST}x{HIGHEST} is possible",
        )


def _aspect(tag: str | None, source: Size, display_aspect_ratio: float | None) -> float:
    """Width over height for an aspect ratio tag; storage where the display one is unknown."""
    if tag == "16:9":
        return 16 / 9
    if tag == "4:3":
        return 4 / 3
    storage = source.width / source.height
    return (display_aspect_ratio or storage) if tag == "display" else storage


def _even(width: float, height: float) -> Size:
    """The nearest even size: chroma planes of 4:2:0 need whole halves."""
    return Size(*(max(2, 2 * int(side / 2 + 0.5)) for side in (width, height)))
