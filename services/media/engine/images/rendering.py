"""Decodes a picture no larger than needed: upright, scaled, in sRGB."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from services.media.engine.images.colour import in_srgb, plain
from services.media.engine.images.opening import decode, opened
from services.media.engine.images.turning import stored_size, swap_sides, turns_to_come

# Width and height, in pixels.
Size = tuple[int, int]

# How much larger than needed a JPEG is decoded at least, that its own scaling does not show:
# at 1.5 the result is 45 dB from that of scaling the whole, and takes half the time.
_HEADROOM = 1.5
# The same for averaging whole pixels ahead of the fine filter.
_REDUCING_GAP = 3.0


@dataclass(frozen=True)
class Rendered:
    """A picture of mode L, RGB or RGBA, and the size of its file's, as stored there."""

    image: Image.Image
    original: Size


def rendered(
    source: Path, fit: Callable[[Size], Size], *, crop: bool = False, rotation: int = 0
) -> Rendered:
    """Decode a picture upright, turned by `rotation`, at the size that `fit` makes of its own.

    With `crop` it fills a size of another shape and is cut evenly, else it is stretched.
    `rotation` is 0, 90, 180 or 270 degrees counter-clockwise. Raises BadMedia as `opened` and
    `decode` do.
    """
    with opened(source) as image:
        original = stored_size(image)
        steps = turns_to_come(image, rotation)
        swapped = swap_sides(steps)
        size = fit(image.size[::-1] if swapped else image.size)
        small = _scaled(image, size[::-1] if swapped else size, crop)
    for step in steps:
        small = small.transpose(step)
    # Profiles and comments of the original do not belong to what is made of it.
    small.info.clear()
    return Rendered(small, original)


def _scaled(image: Image.Image, size: Size, crop: bool) -> Image.Image:
    """An opened picture at `size`, cut evenly to its shape when cropping."""
    seen = _decoded(image, size)
    whole = (0.0, 0.0, *seen)
    pixels = plain(image)
    transparent = pixels.mode == "RGBA"
    if transparent:
        # What cannot be seen must not colour what can.
        pixels = pixels.convert("RGBa")
    small = pixels.resize(
        size,
        Image.Resampling.LANCZOS,
        box=_middle(seen, size) if crop else whole,
        reducing_gap=_REDUCING_GAP,
    )
    small = small.convert("RGBA") if transparent else small
    return in_srgb(small, image.info.get("icc_profile"))


def _decoded(image: Image.Image, size: Size) -> tuple[float, float]:
    """Decode an opened picture, for `size`; how much of the pixels now there are picture.

    JPEG can be decoded at a half, a quarter or an eighth of its size, where it ends within the
    last pixels.
    """
    enough = [max(1, int(_HEADROOM * side)) for side in size]
    drafted = image.draft(None, (enough[0], enough[1]))
    decode(image)
    if drafted is None:
        return image.width, image.height
    return drafted[1][2], drafted[1][3]


def _middle(size: tuple[float, float], shape: Size) -> tuple[float, float, float, float]:
    """The largest box of a shape in the middle of a picture."""
    scale = min(size[0] / shape[0], size[1] / shape[1])
    width, height = shape[0] * scale, shape[1] * scale
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return max(0.0, left), max(0.0, top), min(left + width, size[0]), min(top + height, size[1])
