"""Draws the loudness of sound: for every column of a picture the peaks below and above."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from PIL import Image, ImageColor

from services.media.engine.audio.facts import Progress, SoundFacts
from services.media.engine.audio.timeline import blocks
from services.media.engine.failure import BadMedia
from services.media.engine.samples import samples_of

Levels = npt.NDArray[np.float64]

_JPEG_QUALITY = 90
# By FFmpeg's names of sample formats.
_KINDS = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
# Pixels: what silence looks like.
_THINNEST = 1.0


@dataclass(frozen=True)
class Look:
    """How a picture is to look; sizes in pixels, colours as #RGB or #RRGGBB."""

    width: int
    height: int
    # Left free above and below the wave.
    margin: int
    fill: str
    background: str


def peaks(
    path: Path,
    facts: SoundFacts,
    columns: int,
    start: float,
    end: float | None,
    progress: Progress,
) -> tuple[Levels, Levels]:
    """The least and the greatest sample, from -1 to 1, of any channel in each column.

    Columns share evenly the time from `start` to `end`, in seconds, or the end of the sound.
    Raises BadMedia where nothing lies between.
    """
    stop = float(facts.duration) if end is None else min(end, float(facts.duration))
    if start >= stop:
        raise BadMedia("The part to draw begins beyond the end of the sound.")
    # What no sample falls into stays beyond the other.
    low, high = np.full(columns, np.inf), np.full(columns, -np.inf)
    a_second = columns / (stop - start)
    for time, block in blocks(path, facts, progress, start, stop):
        _fold(block, (time - start) * a_second, a_second / block.sample_rate, low, high)
    return _bridged(low, high)


def _fold(block: AudioFrame, position: float, per_sample: float, low: Levels, high: Levels) -> None:
    """Take a block's samples into the columns, the first of which is at a position, in columns."""
    kind = np.dtype(_KINDS[block.format.packed.name])
    planes = samples_of(block, kind)
    # Channels that do not lie in planes of their own alternate in one.
    across = len(planes[0]) // block.samples
    first = max(0, int(position))
    last = min(len(low) - 1, int(position + (block.samples - 1) * per_sample))
    edges = np.ceil((np.arange(first, last + 2) - position) / per_sample)
    bounds = (np.clip(edges, 0, block.samples) * across).astype(int)
    scale, middle = _full_scale(kind)
    for column, begin, stop in zip(range(first, last + 1), bounds[:-1], bounds[1:], strict=True):
        if begin < stop:
            for plane in planes:
                least, most = _extremes(plane[begin:stop])
                low[column] = min(low[column], (least - middle) / scale)
                high[column] = max(high[column], (most - middle) / scale)


def _extremes(samples: npt.NDArray[Any]) -> tuple[float, float]:
    least, most = float(samples.min()), float(samples.max())
    if math.isfinite(least) and math.isfinite(most):
        return least, most
    # Broken files hold what is no number, or beyond all of them.
    whole = np.nan_to_num(samples, posinf=0, neginf=0)
    return float(whole.min()), float(whole.max())


def _full_scale(kind: np.dtype[Any]) -> tuple[float, float]:
    """What is loudest and what is silent, for a kind of sample."""
    if kind.kind == "f":
        return 1.0, 0.0
    bits = 8 * kind.itemsize - 1
    return float(1 << bits), float(1 << bits if kind.kind == "u" else 0)


def _bridged(low: Levels, high: Levels) -> tuple[Levels, Levels]:
    """Levels within full scale, in every column, where neighbours always touch."""
    heard = np.flatnonzero(low <= high)
    if not len(heard):
        return np.zeros_like(low), np.zeros_like(high)
    # Where samples are farther apart than columns.
    columns = np.arange(len(low))
    low = np.clip(np.interp(columns, heard, low[heard]), -1, 1)
    high = np.clip(np.interp(columns, heard, high[heard]), -1, 1)
    below, above = low.copy(), high.copy()
    below[1:] = np.minimum(low[1:], high[:-1])
    above[1:] = np.maximum(high[1:], low[:-1])
    return below, above


def draw(low: Levels, high: Levels, look: Look, target: Path, format_name: str) -> None:
    """Save the picture of peaks, one a column, as png or jpeg. Raises BadMedia without room."""
    room = look.height - 2 * look.margin
    if room < 1:
        raise BadMedia(
            f"Margins of {look.margin} pixels leave no room in a height of {look.height}."
        )
    middle = look.height / 2
    top, bottom = middle - high * room / 2, middle - low * room / 2
    thin = np.maximum(0, (min(_THINNEST, room) - (bottom - top)) / 2)
    top, bottom = top - thin, bottom + thin
    # Full scale lies at the edge, and a thin line there within.
    top = np.clip(top, look.margin, look.height - look.margin - 1)
    bottom = np.clip(bottom, top + min(_THINNEST, room), look.height - look.margin)
    shades = np.zeros((look.height, look.width), np.uint8)
    for row in range(look.margin, look.height - look.margin):
        covered = np.minimum(bottom, row + 1) - np.maximum(top, row)
        shades[row] = np.rint(255 * np.clip(covered, 0, 1))
    image = Image.fromarray(shades, "P")
    image.putpalette(_between(look.background, look.fill))
    if format_name == "png":
        image.save(target, "png")
    else:
        image.convert("RGB").save(target, "jpeg", quality=_JPEG_QUALITY, subsampling=0)


def _between(background: str, fill: str) -> bytes:
    """The 256 colours from one to the other."""
    ends = np.array([ImageColor.getrgb(colour)[:3] for colour in (background, fill)], float)
    share = np.linspace(0, 1, 256)[:, None]
    colours = np.rint(ends[0] * (1 - share) + ends[1] * share).astype(np.uint8)
    return bytes(colours)
