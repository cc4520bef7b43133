"""Brings pictures to what any screen shows: upright, of square pixels, in BT.709."""

import math
from collections.abc import Iterator
from fractions import Fraction

from av.video.frame import VideoFrame

from services.media.engine.colour import Colour
from services.media.engine.filters.native import FIELD_MODES, Step, filtered

# By H.273's code points.
BT709 = Colour(full_range=False, matrix=1, transfer=1, primaries=1)
# The transfers of HDR, and the primaries of BT.2020 and of both kinds of P3.
_BRIGHTER = {16, 18}
_WIDER = {9, 11, 12}


def on_screen(
    frames: Iterator[VideoFrame],
    size: tuple[int, int],
    pixel_format: str,
    colour: Colour,
    display_matrix: tuple[int, ...] | None,
    filled_from: Fraction | None = None,
) -> Iterator[VideoFrame]:
    """Whole pictures as they are to be seen, in a size (width, height) and a format.

    `colour` and `display_matrix` are what the source says. What is brighter or
    more colourful than BT.709 is brought into it by the perceptual intent, and
    what is transparent lies on black. `filled_from` is width over height of a
    stored pixel: given, the size is filled, and what stands out is cut off.
    """
    on_side, turns = _turns(display_matrix)
    width, height = size[::-1] if on_side else size

    def steps(frame: VideoFrame) -> list[Step]:
        options = {
            "width": str(width),
            "height": str(height),
            "flags": "bicubic+accurate_rnd+full_chroma_int",
            "out_color_matrix": "bt709",
            "out_range": "pc" if pixel_format.startswith("rgb") else "tv",
        }
        if colour.transfer in _BRIGHTER or colour.primaries in _WIDER:
            options |= {"out_transfer": "bt709", "out_primaries": "bt709"}
            options["intent"] = "perceptual"
        mark: Step = ("setfield", {"mode": FIELD_MODES[""]})
        scale: list[Step] = [("scale", options), ("format", {"pix_fmts": pixel_format})]
        before = _opaque(frame)
        if filled_from is not None:
            before.append(_filling(frame, Fraction(width, height) / filled_from))
        return [mark, *before, *scale, *turns]

    return filtered(frames, steps, colour.matrix)


def _opaque(frame: VideoFrame) -> list[Step]:
    """What lays a transparent picture onto black."""
    if not any(component.is_alpha for component in frame.format.components):
        return []
    planar = "gbrap" if frame.format.is_rgb or frame.format.name == "pal8" else "yuva444p"
    return [("format", {"pix_fmts": planar}), ("premultiply", {"inplace": "1"})]


def _filling(frame: VideoFrame, shape: Fraction) -> Step:
    """Cuts the middle out of a frame whose stored pixels are to be of that shape in all."""
    across = _shorter(frame.width, frame.height * shape)
    down = _shorter(frame.height, frame.width / shape)
    return ("crop", {"w": str(across), "h": str(down), "exact": "1"})


def _shorter(side: int, wanted: Fraction) -> int:
    """A side without what it has too much, by fours: colour is cut off with what it belongs to."""
    return side - max(0, math.floor((side - wanted) / 4)) * 4


def size_on_screen(
    stored: tuple[int, int],
    pixel_shape: Fraction | None,
    display_matrix: tuple[int, ...] | None,
    box: tuple[int, int],
    multiple: int = 1,
) -> tuple[int, int]:
    """The largest size for a picture within a box that enlarges nothing but narrow pixels.

    Sizes are (width, height) in pixels, multiples of `multiple`; `pixel_shape` is
    width over height of a stored pixel, None for square.
    """
    width, height = stored[0] * (pixel_shape or Fraction(1)), Fraction(stored[1])
    if _turns(display_matrix)[0]:
        width, height = height, width
    scale = min(Fraction(1), box[0] / width, box[1] / height)
    sides = (max(1, round(side * scale / multiple)) * multiple for side in (width, height))
    across, down = sides
    return across, down


def _turns(matrix: tuple[int, ...] | None) -> tuple[bool, list[Step]]:
    """Whether a display matrix lays a picture on its side, and the filters that do as it says.

    Of turns that are none by quarters, the nearest.
    """
    if matrix is None:
        return False, []
    # A point (x, y) is shown at (a x + c y, b x + d y).
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    on_side = abs(b) + abs(c) > abs(a) + abs(d)
    across, down = (c, b) if on_side else (a, d)
    turns: list[Step] = [("transpose", {"dir": "cclock_flip"})] if on_side else []
    turns += [("hflip", {})] if across < 0 else []
    turns += [("vflip", {})] if down < 0 else []
    return on_side, turns
