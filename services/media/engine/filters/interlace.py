"""Makes interlaced pictures of progressive ones."""

from collections.abc import Iterator

from av.video.frame import VideoFrame

from services.media.engine.filters.native import FIELD_MODES, Step, filtered
from services.media.engine.filters.planes import planes
from services.media.engine.filters.times import end_of, start_of


def interlaced(frames: Iterator[VideoFrame], field_order: str) -> Iterator[VideoFrame]:
    """One frame of every two: a field of the one, the other field of the next.

    Lines are taken as they are. A last frame without a partner gives both fields.
    """
    second_field = 1 if field_order == "top_first" else 0
    for first in frames:
        second = next(frames, None)
        if second is not None:
            # A converter may have repeated a frame: both share their memory.
            first.make_writable()
            for target, source in zip(planes(first), planes(second), strict=True):
                target[second_field::2] = source[second_field::2]
            ticks = (end_of(second) - start_of(first)) / (first.time_base or 1)
            first.duration = max(1, round(ticks))
        yield first


def flagged(frames: Iterator[VideoFrame], field_order: str, matrix: int) -> Iterator[VideoFrame]:
    """Frames that say which of their fields comes first."""
    step: Step = ("setfield", {"mode": FIELD_MODES[field_order]})
    yield from filtered(frames, lambda _: [step], matrix)


def reordered(frames: Iterator[VideoFrame], field_order: str, matrix: int) -> Iterator[VideoFrame]:
    """Interlaced frames whose other field comes first: the picture moves by one line."""
    step: Step = ("fieldorder", {"order": FIELD_MODES[field_order]})
    yield from filtered(frames, lambda _: [step], matrix)
