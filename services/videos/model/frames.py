"""Decides the size of the processed frame from a resolution, in pixels."""

from services.videos.model.codecs import Encoding
from services.videos.model.problems import Problems
from services.videos.model.size import LARGEST, SMALLEST, Size
from services.videos.model.vocabulary import BOXES, FACTORS
from services.videos.model.wishes import Source, Wish


def decide_size(wish: Wish, source: Source, problems: Problems, *, rows: int = 2) -> Size:
    """Return the frame that `wish` asks for, its width even, its height a multiple of `rows`.

    A tag such as hd_1080p is a box: the picture keeps its stored aspect ratio
    and fills the box in one direction. One side given alone finds the other by
    the aspect ratio tag (storage when absent).
    """
    given = sum(side is not None for side in (wish.width, wish.height))
    if wish.resolution_tag is not None and (given or wish.aspect_ratio_tag is not None):
        problems.add("resolution", "takes a tag or width and height, not both together")
    elif wish.resizes and wish.resolution_tag is None and not given:
        problems.add("resolution", "needs a tag, a width or a height")
    elif given == 2 and wish.aspect_ratio_tag is not None:
        problems.add(
            "resolution.aspectRatioTag", "cannot be given together with both width and height"
        )
    elif _sides_are_possible(wish, problems):
        size = _size(wish, source, rows)
        if _resizes(wish) and not size.within(SMALLEST, LARGEST):
            possible = f"from {SMALLEST} to {LARGEST} is possible"
            problems.add("resolution", f"would make {size} pixels; {possible}")
        return size
    return _even(source.width, source.height, rows)


def fit(
    size: Size, wish: Wish, encoding: Encoding, problems: Problems, *, interlaced: bool
) -> Size:
    """Return `size`, or the frame that `encoding` has instead of it.

    Where frames are fixed, a video of no asked size takes the smallest that holds it,
    and hd_1080p is 1920x1080 whatever the picture's shape: pixels need not be square.
    """
    frames = encoding.interlaced_frames if interlaced else encoding.frames
    if frames:
        if wish.resolution_tag == "hd_1080p":
            size = Size(*BOXES["hd_1080p"])
        elif not _resizes(wish) and size not in frames:
            size = min(
                (each for each in frames if size.within(Size(0, 0), each)), default=max(frames)
            )
        if size not in frames:
            has = " and ".join(map(str, sorted(frames)))
            scan = " interlaced" if interlaced else ""
            problems.add("resolution", f"{encoding.name} has {has}{scan}, not {size}")
    elif not size.within(encoding.least, encoding.most):
        limits = f"from {encoding.least} to {encoding.most}"
        problems.add("resolution", f"{encoding.name} has frames {limits}, not {size}")
    return size


def _size(wish: Wish, source: Source, rows: int) -> Size:
    tag = wish.resolution_tag
    if tag in BOXES:
        box = BOXES[tag]
        factor = min(box[0] / source.width, box[1] / source.height)
        return _even(source.width * factor, source.height * factor, rows)
    if tag in FACTORS:
        return _even(source.width * FACTORS[tag], source.height * FACTORS[tag], rows)
    aspect = _aspect(wish.aspect_ratio_tag, source)
    if wish.width is not None:
        height = wish.height if wish.height is not None else wish.width / aspect
        return _even(wish.width, height, rows)
    if wish.height is not None:
        return _even(wish.height * aspect, wish.height, rows)
    return _even(source.width, source.height, rows)


def _sides_are_possible(wish: Wish, problems: Problems) -> bool:
    possible = True
    for name in Size._fields:
        side, least, most = (getattr(each, name) for each in (wish, SMALLEST, LARGEST))
        if side is not None and not least <= side <= most:
            problems.add(f"resolution.{name}", f"must be between {least} and {most}")
            possible = False
    return possible


def _resizes(wish: Wish) -> bool:
    return wish.resizes and wish.resolution_tag != "no_scaling"


def _aspect(tag: str | None, source: Source) -> float:
    """Width over height for an aspect ratio tag; storage where the display one is unknown."""
    if tag == "16:9":
        return 16 / 9
    if tag == "4:3":
        return 4 / 3
    storage = source.width / source.height
    return (source.display_aspect_ratio or storage) if tag == "display" else storage


def _even(width: float, height: float, rows: int) -> Size:
    """The nearest size that chroma planes divide: of 4:2:0, and of each of its fields."""
    return Size(max(2, 2 * int(width / 2 + 0.5)), max(rows, rows * int(height / rows + 0.5)))
