"""Leaves out what is no picture: black and blank frames, and the bars around films."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from services.media.engine.quality.picture import TILE, Picture, Places, Samples

# Standard deviation of luma, of 255, below which a frame shows nothing, and as
# a part of the median of the video, below which it is fading.
_BLANK = 4.0
_FADING = 0.25
# Of a line of a bar: mean and standard deviation of luma, of 255, at most.
_DARK = 6.0
_EVEN = 4.0


def content(pictures: Sequence[Picture]) -> list[Picture]:
    """The pictures with something to see in them, without the tiles that bars reach into."""
    shown = [each for each in pictures if each.contrast > _BLANK]
    if not shown:
        return []
    faint = _FADING * float(np.median([each.contrast for each in shown]))
    shown = [each for each in shown if each.contrast >= faint]
    down = _inside([each.lines for each in shown])
    across = _inside([each.columns for each in shown])
    return [_within(each, down, across) for each in shown]


def _inside(profiles: Sequence[tuple[Samples, Samples]]) -> slice:
    """The lines between the bars, which are dark in all pictures."""
    size = min(mean.size for mean, _ in profiles)
    mean, deviation = (np.max([each[part][:size] for each in profiles], axis=0) for part in (0, 1))
    bright = np.flatnonzero((mean > _DARK) | (deviation > _EVEN))
    return slice(int(bright[0]), int(bright[-1]) + 1) if bright.size else slice(0, size)


def _within(shown: Picture, down: slice, across: slice) -> Picture:
    kept = _between(shown.tops, down) & _between(shown.lefts, across)
    if not kept.any():
        return shown
    grids = tuple(
        _part(each, down, across, (shown.lines[0].size, shown.columns[0].size))
        for each in shown.opponents
    )
    return replace(
        shown,
        tiles=shown.tiles[kept],
        tops=shown.tops[kept],
        lefts=shown.lefts[kept],
        opponents=(grids[0], grids[1]),
    )


def _between(places: Places, inside: slice) -> Places:
    return np.asarray((places >= inside.start) & (places + TILE <= inside.stop))


def _part(grid: Samples, down: slice, across: slice, size: tuple[int, int]) -> Samples:
    """What of a coarse grid over a whole picture of `size` lies within."""
    top, bottom = (round(line * grid.shape[0] / size[0]) for line in (down.start, down.stop))
    left, right = (round(at * grid.shape[1] / size[1]) for at in (across.start, across.stop))
    part = grid[top:bottom, left:right]
    return part if part.size else grid
