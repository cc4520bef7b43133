"""Makes a picture of another size, upright, turned or with a play sign."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from services.media.engine.images.play_sign import with_play_sign
from services.media.engine.images.rendering import Size, rendered
from services.media.engine.images.saving import save
from services.media.engine.images.sizing import checked, completed, fitted


@dataclass(frozen=True)
class Wanted:
    """How the thumbnail should be. A missing size follows from the other one."""

    width: int | None
    height: int | None
    # Fill the size and cut evenly what stands out, instead of fitting into it.
    crop: bool
    # 0, 90, 180 or 270 degrees counter-clockwise; the size is that after turning.
    rotation: int
    # Draw a play sign in the middle.
    poster: bool
    # jpeg, gif or png
    format: str


@dataclass(frozen=True)
class Made:
    """Sizes in pixels: of the thumbnail, and of the original as stored."""

    width: int
    height: int
    original_width: int
    original_height: int


def thumbnail(source: Path, destination: Path, wanted: Wanted) -> Made:
    """Write a thumbnail of a picture, upright by its Exif orientation.

    It has exactly the size wanted when cropping, else the largest that fits
    into it; small pictures are enlarged. Colours become sRGB. Raises BadMedia
    when the picture cannot be read or the thumbnail would be too large.
    """
    made = rendered(
        source, partial(_size, wanted=wanted), crop=wanted.crop, rotation=wanted.rotation
    )
    image = with_play_sign(made.image) if wanted.poster else made.image
    save(image, destination, wanted.format)
    return Made(*image.size, *made.original)


def _size(size: Size, wanted: Wanted) -> Size:
    choose = completed if wanted.crop else fitted
    return checked(choose(size, wanted.width, wanted.height), "A thumbnail")
