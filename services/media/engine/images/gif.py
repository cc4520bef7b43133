"""Writes animated GIFs (GIF89a), frame by frame."""

import itertools
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageChops

from services.media.engine.failure import BadMedia
from services.media.engine.images.palette import reduced
from services.media.engine.images.sizing import Size, checked

FOR_EVER = 0
NO_LOOP = -1

MAX_PIXELS = 2_000_000_000
"""The most that all frames may have together; they take about five minutes."""

# What becomes of a frame when the next is due: it stays, or it is cleared away.
_KEEP, _CLEAR_AWAY = 1, 2


def animation_size(size: Size, count: int) -> Size:
    """The size of `count` frames, unless it is larger than sense. Raises BadMedia."""
    width, height = checked(size, "A GIF")
    if width * height * count > MAX_PIXELS:
        raise BadMedia(
            f"{count} frames of {width} x {height} pixels are more than can be made: "
            f"{MAX_PIXELS:,} pixels in all. Ask for a smaller width."
        )
    return size


def animate(
    frames: Iterable[Image.Image],
    size: Size,
    destination: Path,
    *,
    loop: int,
    hundredths: int,
    written: Callable[[int], None],
) -> None:
    """Write frames of one size, RGB or RGBA, each shown for so many hundredths of a second.

    `loop` is how often to run again, or FOR_EVER, or NO_LOOP. `written` is told how many frames
    are in the file. Every frame has a palette of its own, and one at a time is held: of a frame
    that follows an opaque one only what changes is written.
    """
    with destination.open("wb") as file:
        file.write(b"GIF89a" + struct.pack("<HHBBB", *size, 0x70, 0, 0))
        if loop != NO_LOOP:
            file.write(b"!\xff\x0bNETSCAPE2.0" + struct.pack("<BBHB", 3, 1, loop, 0))
        _write_frames(frames, file, hundredths, written)
        file.write(b";")


def _write_frames(
    frames: Iterable[Image.Image],
    file: BinaryIO,
    hundredths: int,
    written: Callable[[int], None],
) -> None:
    """Write each frame when the next is known: it says whether this one may stay."""
    shown: Image.Image | None = None
    waiting: Image.Image | None = None
    count = 0
    for frame in itertools.chain(frames, [None]):
        if waiting is not None:
            stays = frame is None or frame.mode == "RGB"
            shown = _write_frame(waiting, shown, file, hundredths, stays=stays)
            count += 1
            written(count)
        waiting = frame


def _write_frame(
    frame: Image.Image,
    shown: Image.Image | None,
    file: BinaryIO,
    hundredths: int,
    *,
    stays: bool,
) -> Image.Image | None:
    """Write a frame over what is `shown` of the one before; what is shown when the next is due."""
    part, place, changed = frame, (0, 0), None
    # Over what shines through the frame before would be seen.
    if shown is not None and frame.mode == shown.mode == "RGB":
        changed = _changed(frame, shown)
        # Only as much is cleared away as the frame covers.
        if stays:
            part, place, changed = _cut(frame, changed)
    made = reduced(part, changed)
    # Some programs clear to a colour where none is named as the clear one.
    clear = made.clear if made.some_clear or not stays else None
    file.write(_described(clear, hundredths, _KEEP if stays else _CLEAR_AWAY))
    file.write(_coded(made.image, place))
    return frame if stays else None


def _described(clear: int | None, hundredths: int, disposal: int) -> bytes:
    """The Graphic Control Extension of a frame."""
    flags = disposal << 2 | (clear is not None)
    return b"!\xf9" + struct.pack("<BBHBB", 4, flags, hundredths, clear or 0, 0)


def _coded(picture: Image.Image, place: tuple[int, int]) -> bytes:
    """A frame's place and size, its colours, and its pixels."""
    palette = bytes(picture.getpalette() or [])
    # Tables have as many colours as a power of two.
    power = max(1, (len(palette) // 3 - 1).bit_length())
    header = struct.pack("<HHHHB", *place, *picture.size, 0x80 | power - 1)
    colours = palette.ljust(3 << power, b"\0")
    return b"," + header + colours + b"\x08" + picture.tobytes("gif", "P") + b"\0"


def _changed(frame: Image.Image, shown: Image.Image) -> Image.Image:
    """The mask of the pixels that differ, 0 for the others."""
    red, green, blue = ImageChops.difference(frame, shown).split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


def _cut(
    frame: Image.Image, changed: Image.Image
) -> tuple[Image.Image, tuple[int, int], Image.Image]:
    """The part of a frame that differs, where it lies, and the mask of what differs in it."""
    # Of the same frame again a pixel at least must be told, to take up its time.
    box = changed.getbbox() or (0, 0, 1, 1)
    return frame.crop(box), (box[0], box[1]), changed.crop(box)
