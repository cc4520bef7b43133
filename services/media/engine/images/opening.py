"""Opens a stranger's picture: its header, then its pixels."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pi_heif import HeifImageFile
from PIL import Image, UnidentifiedImageError
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from services.media.engine.failure import BadMedia
from services.media.engine.images.formats import (
    BAD_TIFF,
    DAMAGED,
    FORMATS,
    MAX_PIXELS,
    why_not_a_picture,
)

# Whatever Pillow's parsers raise of bytes that they did not expect.
DAMAGE = (
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    IndexError,
    KeyError,
    RuntimeError,
    struct.error,
)


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """A picture, its header read, its format decided from its bytes.

    Of an animation it is the first frame. Raises BadMedia when it is no picture, or too large.
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
    with _damage_is_bad_media(BAD_TIFF if image.format == "TIFF" else DAMAGED):
        image.load()


def content_type(image: Image.Image) -> str:
    """The MIME type of an opened picture."""
    if isinstance(image, HeifImageFile):
        return str(image.get_format_mimetype())
    if isinstance(image, Jpeg2KImageFile) and image.codec == "j2k":
        return "image/j2c"
    # Cameras append further pictures to a JPEG; every reader of JPEG shows the first.
    name = "JPEG" if image.format == "MPO" else str(image.format)
    return Image.MIME[name]


def _identified(path: Path) -> Image.Image:
    try:
        with _damage_is_bad_media():
            return Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise BadMedia(f"The picture has more than {MAX_PIXELS:,} pixels.") from error
    except UnidentifiedImageError as error:
        raise BadMedia(why_not_a_picture(path)) from error


@contextmanager
def _damage_is_bad_media(words: str = DAMAGED) -> Iterator[None]:
    try:
        yield
    except UnidentifiedImageError:
        raise
    except OSError as error:
        # The system's own errors have a number: a full disk is no fault of the picture.
        if error.errno is not None:
            raise
        raise BadMedia(words) from error
    except DAMAGE as error:
        raise BadMedia(words) from error
