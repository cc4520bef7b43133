"""Writes a picture into a file."""

from pathlib import Path

from PIL import Image

from services.media.engine.images.colour import on_white
from services.media.engine.images.palette import reduced

# Who forks has the formats loaded for all its children: it takes longer than writing a picture.
Image.preinit()

_QUALITY = 90


def save(image: Image.Image, destination: Path, file_format: str, quality: int = _QUALITY) -> None:
    """Write a picture of mode L, RGB or RGBA as `jpeg`, `png` or `gif`.

    What shines through is white in JPEG, which knows no transparency; `quality` is of JPEG, 1 to
    95.
    """
    if file_format == "jpeg":
        on_white(image).save(destination, "JPEG", quality=quality, optimize=True)
    elif file_format == "png":
        image.save(destination, "PNG")
    else:
        made = reduced(image)
        transparency = {"transparency": made.clear} if made.some_clear else {}
        made.image.save(destination, "GIF", **transparency)
