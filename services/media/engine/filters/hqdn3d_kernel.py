"""The innermost of hqdn3d, compiled when it is first called."""

from typing import Any

import numpy as np
from numba import njit

# Each sample waits for its left neighbour; meanwhile other lines have work for
# the processor.
_LINES = 8


@njit(inline="always")
def _moved(value: Any, neighbour: Any, table: Any, coarsening: int) -> Any:
    """A value of 16 bits, moved towards its neighbour."""
    place = ((neighbour - value) >> coarsening) + table.size // 2
    # FFmpeg lets the darkest and the brightest samples of many bits turn over here.
    return min(max(np.int32(value + table[np.uint32(place)]), np.int32(0)), np.int32(0xFFFF))


@njit(nogil=True)
def denoise(
    plane: Any, before: Any, spatial: Any, temporal: Any, widening: int, coarsening: int
) -> None:
    """Filter a plane in place: along its lines, down its columns, and from the plane `before`.

    `before` holds 16 bits a sample and becomes what was made. Samples have
    `widening` bits fewer; tables are by differences of `coarsening` bits fewer.
    """
    half = np.int32(((1 << widening) - 1) >> 1)
    # Broken files hold samples of more bits than there are places in the tables.
    white = np.int32(0xFFFF >> widening)
    height, width = plane.shape
    along = np.empty((_LINES, width), np.uint16)
    left = np.empty(_LINES, np.int32)
    above = np.empty(width, np.uint16)
    for top in range(0, height, _LINES):
        for line in range(_LINES):
            sample = np.int32(plane[min(top + line, height - 1), 0]) & white
            left[line] = (sample << widening) + half
            if top + line == 0:
                # FFmpeg filters the corner, and no other line's start, against itself.
                left[line] = _moved(left[line], left[line], spatial, coarsening)
            along[line, 0] = left[line]
        for x in range(1, width):
            for line in range(_LINES):
                sample = np.int32(plane[min(top + line, height - 1), x]) & white
                value = np.int32((sample << widening) + half)
                left[line] = _moved(value, left[line], spatial, coarsening)
                along[line, x] = left[line]
        for line in range(min(_LINES, height - top)):
            y = top + line
            for x in range(width):
                value = np.int32(along[line, x])
                if y:
                    value = _moved(value, np.int32(above[x]), spatial, coarsening)
                above[x] = value
                value = _moved(value, np.int32(before[y, x]), temporal, coarsening)
                before[y, x] = value
                plane[y, x] = value >> widening
