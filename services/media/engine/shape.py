"""Shapes: pixels that are not square, and pictures that lie on their side."""

import math
import struct
from fractions import Fraction
from typing import cast

from av.sidedata.sidedata import SideDataContainer, Type
from av.video.frame import VideoFrame

# Sides of the sample aspect ratio are 16-bit numbers in H.264.
_MAX_RATIO = 65535
# One, in the 16.16 numbers of a display matrix.
_ONE = 1 << 16


def scaled_pixel_shape(
    shape: Fraction | None, source: tuple[int, int], target: tuple[int, int]
) -> Fraction:
    """The pixel shape that keeps a picture's proportions when its frame is resized.

    Sizes are (width, height) in pixels; `shape` is width over height of a source
    pixel, None for square. Square stays square where rounding the size to whole
    pixels is all that was lost.
    """
    (source_width, source_height), (width, height) = source, target
    exact = (shape or 1) * Fraction(source_width * height, source_height * width)
    if shape in (None, 1) and abs(exact - 1) * min(width, height) < 2:
        return Fraction(1)
    if exact > _MAX_RATIO:
        return Fraction(_MAX_RATIO)
    ratio = exact.limit_denominator(_MAX_RATIO)
    return ratio if ratio.numerator <= _MAX_RATIO else 1 / (1 / exact).limit_denominator(_MAX_RATIO)


def display_matrix(frame: VideoFrame) -> tuple[int, ...] | None:
    """How the file asks to turn or mirror the frame; None when it does not, or is unsound.

    Nine numbers in FFmpeg's layout.
    """
    # What PyAV's types call a plain dict is this.
    side_data = cast(SideDataContainer, frame.side_data)
    if Type.DISPLAYMATRIX not in side_data:
        return None
    matrix = struct.unpack("=9i", bytes(side_data[Type.DISPLAYMATRIX]))
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    upright = (a, b, c, d) == (_ONE, 0, 0, _ONE)
    sound = abs(abs(a * d - b * c) - _ONE * _ONE) < _ONE * _ONE // 100
    return None if upright or not sound else matrix


def rotation(matrix: tuple[int, ...]) -> float | None:
    """By how many degrees a sound matrix turns a frame counter-clockwise, from 0 to below 360.

    None when it mirrors the frame too.
    """
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    if a * d < b * c:
        return None
    # A point (x, y) is shown at (a x + c y, b x + d y), and y points down.
    return round(math.degrees(math.atan2(-b, a)), 2) % 360


def placed(matrix: tuple[int, ...], width: int, height: int) -> tuple[int, ...]:
    """The matrix for a frame of another size: it turns the frame, then moves it back into view."""
    a, b, u, c, d, v, _, _, w = matrix
    corners = [(x * a + y * c, x * b + y * d) for x in (0, width) for y in (0, height)]
    left = min(x for x, _ in corners)
    top = min(y for _, y in corners)
    return a, b, u, c, d, v, -left, -top, w
