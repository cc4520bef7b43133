"""What is to be judged of a frame: bits of its luma, and its colours coarsely."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from services.media.engine.colour import stored_colour

Samples = npt.NDArray[np.floating[Any]]
Places = npt.NDArray[np.intp]
Integers = npt.NDArray[np.unsignedinteger[Any]]

# Side of a tile in samples. It and the places of tiles are multiples of what
# codecs transform at once, so that the edges of their blocks lie between
# samples that are never compared.
TILE = 32
# Frames have more: so many tell what all would.
MAX_TILES = 240
# Every so manieth line and column tells how dark lines and columns are.
_SPARSE = 4

# Weights of red and blue in luma, by H.273's matrix; BT.709's are usual.
_BT709 = (0.2126, 0.0722)
_WEIGHTS = {4: (0.3, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087)}
_WEIGHTS |= {9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}


@dataclass(frozen=True)
class Picture:
    """A frame, or one field of it, on a scale from black at 0 to white at 255."""

    # Of luma: (tiles, TILE, TILE), and where their first lines and columns are.
    tiles: Samples
    tops: Places
    lefts: Places
    # Of luma, mean and standard deviation of each line, and of each column.
    lines: tuple[Samples, Samples]
    columns: tuple[Samples, Samples]
    # Standard deviation of all luma.
    contrast: float
    # Red minus green, and yellow minus blue, of squares all over the picture.
    opponents: tuple[Samples, Samples]


@dataclass(frozen=True)
class _Scale:
    """What integers stand for."""

    black: float
    # From black to white, and from the least to the most of a colour difference.
    luma: float
    chroma: float
    middle: float

    @classmethod
    def of(cls, bits: int, *, full: bool) -> "_Scale":
        unit = float(1 << (bits - 8))
        if full:
            white = (1 << bits) - 1
            return cls(0.0, white, white, 128 * unit)
        return cls(16 * unit, 219 * unit, 224 * unit, 128 * unit)


def picture(frame: VideoFrame, *, field: bool) -> Picture:
    """Read a frame of any pixel format; with `field`, its upper field alone."""
    red, blue = _BT709 if _is_rgb(frame) else _WEIGHTS.get(stored_colour(frame).matrix, _BT709)
    frame = _planar(frame)
    colour = stored_colour(frame)
    scale = _Scale.of(frame.format.components[0].bits, full=colour.full_range)
    luma, *chroma = (_plane(frame, index) for index in range(3))
    opponents = _opponents(luma, chroma, scale, (red, blue))
    shown = _at_least_a_tile(luma[::2] if field else luma)
    tops, lefts = _places(*shown.shape)
    tiles = np.stack(
        [shown[top : top + TILE, left : left + TILE] for top, left in zip(tops, lefts, strict=True)]
    )
    sparse = _of_255(shown[:, ::_SPARSE], scale), _of_255(shown[::_SPARSE], scale)
    return Picture(
        tiles=_of_255(tiles, scale),
        tops=tops,
        lefts=lefts,
        lines=(sparse[0].mean(axis=1), sparse[0].std(axis=1)),
        columns=(sparse[1].mean(axis=0), sparse[1].std(axis=0)),
        contrast=float(sparse[0].std()),
        opponents=opponents,
    )


def _is_rgb(frame: VideoFrame) -> bool:
    kind = frame.format
    return kind.is_rgb or kind.has_palette or kind.name.startswith("xyz")


def _planar(frame: VideoFrame) -> VideoFrame:
    """The frame with a plane each for luma and two colour differences."""
    if frame.format.name.startswith(("yuv4", "yuva4", "yuvj4")) and frame.format.is_planar:
        return frame
    if _is_rgb(frame):
        return frame.reformat(
            format="yuv444p16le",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.JPEG,
        )
    return frame.reformat(format="yuv444p16le")


def _plane(frame: VideoFrame, index: int) -> Integers:
    plane = frame.planes[index]
    wide = ">u2" if frame.format.is_big_endian else "<u2"
    kind = np.dtype(wide if frame.format.components[0].bits > 8 else "u1")
    return np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)[:, : plane.width]


def _of_255(luma: Integers, scale: _Scale) -> Samples:
    factor = np.float32(255 / scale.luma)
    return (luma.astype(np.float32) - np.float32(scale.black)) * factor


def _at_least_a_tile(luma: Integers) -> Integers:
    missing = [(0, max(0, TILE - size)) for size in luma.shape]
    return np.pad(luma, missing, mode="symmetric") if any(map(max, missing)) else luma


def _places(height: int, width: int) -> tuple[Places, Places]:
    """First lines and columns of tiles, spread evenly where there are too many."""
    rows, columns = height // TILE, width // TILE
    share = min(1.0, (MAX_TILES / (rows * columns)) ** 0.5)
    tops, lefts = _spread(rows, share), _spread(columns, share)
    return np.repeat(tops, lefts.size) * TILE, np.tile(lefts, tops.size) * TILE


def _spread(count: int, share: float) -> Places:
    taken = max(1, int(count * share))
    return ((np.arange(taken) + 0.5) * count / taken).astype(np.intp)


def _opponents(
    luma: Integers,
    chroma: list[Integers],
    scale: _Scale,
    weights: tuple[float, float],
) -> tuple[Samples, Samples]:
    """Hasler and Suesstrunk's colour axes, of squares: noise of single pixels is no colour."""
    height, width = luma.shape
    side = max(8, 4 * (min(height, width) // 192))
    grid = max(1, height // side), max(1, width // side)
    light = (_squares(luma, grid) - scale.black) * 255 / scale.luma
    blueness, redness = (
        (_squares(plane, grid) - scale.middle) * 255 / scale.chroma for plane in chroma
    )
    of_red, of_blue = weights
    red = np.clip(light + 2 * (1 - of_red) * redness, 0, 255)
    blue = np.clip(light + 2 * (1 - of_blue) * blueness, 0, 255)
    green = np.clip((light - of_red * red - of_blue * blue) / (1 - of_red - of_blue), 0, 255)
    return np.asarray(red - green), np.asarray((red + green) / 2 - blue)


def _squares(plane: Integers, grid: tuple[int, int]) -> Samples:
    """Means of the squares of a grid."""
    down, across = plane.shape[0] // grid[0], plane.shape[1] // grid[1]
    whole = plane[: grid[0] * down, : grid[1] * across]
    means = whole.reshape(grid[0], down, grid[1], across).mean(axis=(1, 3), dtype=np.float32)
    return np.asarray(means)
