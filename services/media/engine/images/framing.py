"""Puts pictures of any size into frames of one size, one after the other."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from services.media.engine.failure import BadMedia
from services.media.engine.images.opening import opened
from services.media.engine.images.rendering import Size, rendered
from services.media.engine.images.sizing import completed, fitted
from services.media.engine.images.turning import swap_sides, turns_to_come


def frame_size(sources: Sequence[Path], width: int | None, height: int | None) -> Size:
    """The size of the frames in pixels; the first picture says what is left open.

    Raises BadMedia as `opened` does.
    """
    if width and height:
        return width, height
    with _numbered(0, len(sources)), opened(sources[0]) as image:
        upended = swap_sides(turns_to_come(image, 0))
        return completed(image.size[::-1] if upended else image.size, width, height)


def frames(sources: Sequence[Path], size: Size, *, crop: bool) -> Iterator[Image.Image]:
    """Each picture, upright, in a frame of a size; one at a time is decoded.

    With `crop` it fills the frame and is cut evenly, else it fits in, in the middle of what is
    clear. Modes are RGB, and RGBA where something is transparent. Raises BadMedia, which says
    which picture it is.
    """
    for index, source in enumerate(sources):
        with _numbered(index, len(sources)):
            yield _framed(source, size, crop)


def _framed(source: Path, size: Size, crop: bool) -> Image.Image:
    if crop:
        image = rendered(source, lambda own: size, crop=True).image
    else:
        image = rendered(source, lambda own: fitted(own, *size)).image
    if image.mode != "RGBA" or image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    return placed(image, size)


def placed(image: Image.Image, size: Size) -> Image.Image:
    """A picture in the middle of a frame that is clear where it does not reach."""
    if image.size == size:
        return image
    frame = Image.new("RGBA", size, (0, 0, 0, 0))
    frame.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return frame


@contextmanager
def _numbered(index: int, count: int) -> Iterator[None]:
    """Say which picture it was."""
    try:
        yield
    except BadMedia as error:
        words = str(error)
        raise BadMedia(
            f"Image {index + 1} of {count} cannot be used: {words[0].lower()}{words[1:]}"
        ) from error
