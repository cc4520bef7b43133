"""Changes the number of frames a second."""

import math
from collections.abc import Iterator
from fractions import Fraction

from av.video.frame import VideoFrame

from services.media.engine.failure import BadMedia
from services.media.engine.filters.native import Step, filtered
from services.media.engine.filters.times import Ends, shown_at, start_of

# Frames before the first, and after the last, that the converters look at.
LEAD = {"fps": 0, "fblend": 0, "mcinterpolate": 1}
TAIL = 3
# By how many percent of white the mean difference of neighbours must jump to be
# a cut. FFmpeg's own limits, 8.2 and 10, mix cuts between dark scenes.
_CUT = "5"
# Seconds: further back than that the grid and the source's clock need not meet.
_FAR = 5
# Two of the blocks that mcinterpolate moves, in pixels.
_LEAST_SIDE = 32


def converted(
    frames: Iterator[VideoFrame],
    converter: str,
    rate: Fraction,
    bounds: tuple[Fraction, Fraction | None],
    usual: Fraction,
    matrix: int,
) -> Iterator[VideoFrame]:
    """A frame every 1/`rate` seconds within `bounds`; times count from the first bound.

    fps repeats and drops frames, fblend mixes neighbours, mcinterpolate moves
    what moves between them, in eight bits; across a cut none of them mixes.
    Bounds and `usual`, how long a frame is shown until then, are in seconds; no
    second bound: where the frames end. Raises BadMedia for pictures too small.
    """
    start, end = bounds
    ends = Ends(usual, Fraction(0), None if end is None else end - start)
    padded = ends.repeated(_earlier(frames, start), LEAD[converter], TAIL)
    made = filtered(padded, lambda frame: _steps(frame, converter, rate), matrix)
    for frame in ends.take_off(made, 1 / rate):
        frame.pts, frame.duration = round(start_of(frame) * rate), 1
        frame.time_base = 1 / rate
        yield frame


def from_grid(
    frames: Iterator[VideoFrame], converter: str, rate: Fraction, start: Fraction
) -> Iterator[VideoFrame]:
    """Frames after one more, the first of them shown earlier: at a multiple of 1/`rate` seconds.

    Multiples count from `start`. Converters count from the first frame that they
    see, and are to go on where another left off.
    """
    for frame in frames:
        step = 1 / rate
        if converter == "fblend" and frame.time_base:
            # It mixes by the distance from there: that is to be told to the tick.
            exact = _common_multiple(step, frame.time_base)
            step = exact if exact < _FAR else step
        earlier = math.floor((start_of(frame) - start) / step) * step + start
        if earlier < start_of(frame):
            yield from shown_at(frame, earlier)
        yield frame
        break
    yield from frames


def _common_multiple(one: Fraction, other: Fraction) -> Fraction:
    across = one.numerator * other.denominator, other.numerator * one.denominator
    return Fraction(math.lcm(*across), one.denominator * other.denominator)


def _earlier(frames: Iterator[VideoFrame], seconds: Fraction) -> Iterator[VideoFrame]:
    for frame in frames:
        frame.pts = round((start_of(frame) - seconds) / (frame.time_base or 1))
        yield frame


def _steps(frame: VideoFrame, converter: str, rate: Fraction) -> list[Step]:
    keep: Step = ("format", {"pix_fmts": frame.format.name})
    if converter == "fps":
        return [("fps", {"fps": str(rate)})]
    if converter == "fblend":
        return [("framerate", {"fps": str(rate), "scene": _CUT}), keep]
    if min(frame.width, frame.height) < _LEAST_SIDE:
        raise BadMedia(
            f"A picture of {frame.width} x {frame.height} pixels is too small for mcinterpolate."
        )
    options = {"fps": str(rate), "mi_mode": "mci", "scd": "fdiff", "scd_threshold": _CUT}
    return [("minterpolate", options), keep]
