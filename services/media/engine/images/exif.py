"""What a camera wrote into a picture: the tags of Exif, wherever the container keeps them."""

import math
import re
from typing import Any

from PIL import ExifTags, Image
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from services.media.engine.images.jpeg2000 import exif_block
from services.media.engine.images.opening import DAMAGE

# A date as Exif writes it, or near enough; what else is there is no date.
_DATE = re.compile(r"\d{4}[:/.-]\d\d[:/.-]\d\d[ \dT:.+Z-]{0,24}")
# The field for the speed is too small for more; others of Exif 2.3 then hold it.
_MOST_SHORT = 65535


def tags(image: Image.Image) -> Image.Exif:
    """The tags of an opened picture; empty when they are missing or broken."""
    try:
        tags = image.getexif()
        if isinstance(image, Jpeg2KImageFile) and image.fp and (block := exif_block(image.fp)):
            tags.load(block)
    except (OSError, *DAMAGE):
        return Image.Exif()
    return tags


def orientation(exif: Image.Exif) -> int | None:
    """How the picture lies, 1 to 8; None when the tags do not tell."""
    value = exif.get(ExifTags.Base.Orientation)
    return value if isinstance(value, int) and 1 <= value <= 8 else None


def shot_with(exif: Image.Exif) -> dict[int, Any]:
    """The tags on how the picture was shot."""
    try:
        return exif.get_ifd(ExifTags.IFD.Exif)
    except (OSError, *DAMAGE):
        return {}


def date_time(exif: Image.Exif, shot: dict[int, Any]) -> str | None:
    """When the picture was shot, else when it was made into a file: YYYY:MM:DD hh:mm:ss."""
    values = (
        shot.get(ExifTags.Base.DateTimeOriginal),
        shot.get(ExifTags.Base.DateTimeDigitized),
        exif.get(ExifTags.Base.DateTime),
    )
    return next((date for date in map(_date, values) if date), None)


def flash(shot: dict[int, Any]) -> bool | None:
    """Whether the flash fired."""
    value = shot.get(ExifTags.Base.Flash)
    return bool(value & 1) if isinstance(value, int) else None


def iso_speed(shot: dict[int, Any]) -> float | None:
    """The ISO speed."""
    speed = number(shot.get(ExifTags.Base.ISOSpeedRatings))
    if speed is not None and speed < _MOST_SHORT:
        return speed
    larger = (ExifTags.Base.ISOSpeed, ExifTags.Base.RecommendedExposureIndex)
    return next((each for each in (number(shot.get(tag)) for tag in larger) if each), speed)


def number(value: Any) -> float | None:
    """A number of a tag; of several the first. None for what is none, or not finite."""
    if isinstance(value, tuple) and value:
        value = value[0]
    try:
        found = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return found if math.isfinite(found) else None


def _date(value: object) -> str | None:
    # A camera whose clock was never set writes blanks or zeros.
    text = value.strip("\0 ") if isinstance(value, str) else ""
    known = _DATE.fullmatch(text) and text.strip("0: ")
    return text if known else None
