"""Opens a stranger's picture, and reads what it says about itself."""

import math
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, UnidentifiedImageError

from services.media.engine.failure import BadMedia

# By Pillow's names. Left out on purpose: whatever runs programs (EPS), or
# whose decoders nobody tends.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")

MAX_PIXELS = 200_000_000
# Pillow refuses a picture, or a frame of it, above twice its own limit.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2

_DAMAGE = (SyntaxError, ValueError, TypeError, EOFError, IndexError, KeyError, struct.error)

# Counter-clockwise degrees that undo an Exif orientation. Absent: a flip is needed.
_ROTATIONS = {1: 0.0, 3: 180.0, 6: 270.0, 8: 90.0}


@dataclass(frozen=True)
class ImageFacts:
    """What a picture says about itself. Fields are None where it is silent."""

    content_type: str
    # Pixels, as stored.
    width: int
    height: int
    # Whether pixels can be transparent.
    alpha: bool
    # As in Exif, 1 to 8.
    exif_orientation: int | None
    _DAMAGE = (SyntaxError, ValueError, TypeError, EOFError, IndexError, KeyError, struct.error)

    # Counter-clockwise degrees to turn the picture upright; None also when a flip is needed.
    rotation: float | None
    # When it was shot, as Exif writes it: YYYY:MM:DD hh:mm:ss.
    date_time: str | None
    # Whether the flash fired.
    flash: bool | None
    # Millimetres.
    focal_length: float | None
    iso_speed: float | None
    # Seconds.
    exposure_time: float | None


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """A picture, its header read, its format decided from its bytes.

    Raises BadMedia when it is none, or too large.
    """
    if path.stat().st_size == 0:
        raise BadMedia("The file is empty.")
    with warnings.catch_warnings():
        # Odd metadata is no reason to refuse a picture.
        warnings.simplefilter("ignore")
        with _identified(path) as image:
            yield image


def decode(image: Image.Image) -> None:
    """Decode an opened picture's pixels. Raises BadMedia when it is damaged or cut off."""
    with _damage_is_bad_media():
        image.load()


def describe(path: Path) -> ImageFacts:
    """What a picture says about itself, from its header. Raises BadMedia as `opened` does."""
    with opened(path) as image:
        exif = _exif(image)
        camera = _camera(exif)
        turn = _orientation(exif)
        width, height = stored_size(image)
        iso = camera.get(ExifTags.Base.ISOSpeedRatings)
        return ImageFacts(
            content_type=content_type(image),
            width=width,
            height=height,
            alpha=image.has_transparency_data,
            exif_orientation=turn,
            rotation=_ROTATIONS.get(turn) if turn else None,
            date_time=_date(camera.get(ExifTags.Base.DateTimeOriginal))
            or _date(exif.get(ExifTags.Base.DateTime)),
            flash=_flash(camera.get(ExifTags.Base.Flash)),
            focal_length=_number(camera.get(ExifTags.Base.FocalLength)),
            iso_speed=_number(iso[0] if isinstance(iso, tuple) and iso else iso),
            exposure_time=_number(camera.get(ExifTags.Base.ExposureTime)),
        )


def content_type(image: Image.Image) -> str:
    """The MIME type of an opened picture."""
    # Cameras append further pictures to a JPEG; every reader of JPEG shows the first.
    name = "JPEG" if image.format == "MPO" else str(image.format)
    return Image.MIME[name]


def stored_size(image: Image.Image) -> tuple[int, int]:
    """Width and height in pixels of an opened, not yet decoded picture, before any turn."""
    # Pillow turns TIFFs itself while decoding, and tells their size ahead of it.
    upended = (_orientation(_exif(image)) or 1) >= 5 and image.format == "TIFF"
    return image.size[::-1] if upended else image.size


def turn_to_come(image: Image.Image) -> int:
    """The Exif orientation, 1 to 8, that an opened picture still has once decoded."""
    return 1 if image.format == "TIFF" else _orientation(_exif(image)) or 1


def _exif(image: Image.Image) -> Image.Exif:
    # Empty when it is missing or broken.
    try:
        return image.getexif()
    except (OSError, *_DAMAGE):
        return Image.Exif()


def _orientation(exif: Image.Exif) -> int | None:
    value = exif.get(ExifTags.Base.Orientation)
    return value if isinstance(value, int) and 1 <= value <= 8 else None


def _identified(path: Path) -> Image.Image:
    try:
        with _damage_is_bad_media():
            return Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise BadMedia(f"The picture has more than {MAX_PIXELS:,} pixels.") from error
    except UnidentifiedImageError as error:
        raise BadMedia("The file is not a picture in a format that can be read.") from error


@contextmanager
def _damage_is_bad_media() -> Iterator[None]:
    """Around Pillow's parsers, which report damage by many kinds of errors."""
    try:
        yield
    except UnidentifiedImageError:
        raise
    except OSError as error:
        # The system's own errors have a number: a full disk is no fault of the picture.
        if error.errno is not None:
            raise
        raise BadMedia("The picture is damaged or cut off.") from error
    except _DAMAGE as error:
        raise BadMedia("The picture is damaged or cut off.") from error


def _camera(exif: Image.Exif) -> dict[int, Any]:
    try:
        return exif.get_ifd(ExifTags.IFD.Exif)
    except (OSError, *_DAMAGE):
        return {}


def _date(value: object) -> str | None:
    # A camera whose clock was never set writes blanks or zeros.
    known = isinstance(value, str) and value.strip("\0 :0")
    return str(value).strip("\0 ") if known else None


def _flash(value: object) -> bool | None:
    return bool(value & 1) if isinstance(value, int) else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None
