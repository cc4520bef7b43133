"""Lays pictures out side by side, in rows."""

from collections.abc import Callable, Iterable
from pathlib import Path

from PIL import Image

from services.media.engine.images.saving import save
from services.media.engine.images.sizing import Size, checked


def strip(
    frames: Iterable[Image.Image],
    size: Size,
    count: int,
    wrap: int | None,
    destination: Path,
    file_format: str,
    placed: Callable[[int], None],
) -> Size:
    """Write `count` frames of a size as one picture, `jpeg` or `png`; its size in pixels.

    Rows have `wrap` frames, or all are in one. What no frame covers is clear, in JPEG white.
    `placed` is told how many frames are in their places. Raises BadMedia when the picture would
    be too large.
    """
    across = min(wrap or count, count)
    whole = checked((across * size[0], -(-count // across) * size[1]), "A strip")
    clear = file_format == "png"
    sheet = Image.new("RGBA", whole, (0, 0, 0, 0)) if clear else Image.new("RGB", whole, "white")
    for index, frame in enumerate(frames):
        place = index % across * size[0], index // across * size[1]
        if clear or frame.mode != "RGBA":
            sheet.paste(frame, place)
        else:
            sheet.paste(frame, place, mask=frame)
        placed(index + 1)
    # A channel that says nothing would make the file larger.
    covered = clear and sheet.getchannel("A").getextrema() == (255, 255)
    save(sheet.convert("RGB") if covered else sheet, destination, file_format)
    return whole
