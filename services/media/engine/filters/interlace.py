"""Makes interlaced pictures, of progressive ones or of those with the other field first."""

from collections.abc import Iterator

from av.video.frame import VideoFrame

from services.media.engine.filters.native import FIELD_MODES, Step, filtered
from services.media.engine.filters.planes import planes
from services.media.engine.filters.times import end_of, start_of


def interlaced(frames: Iterator[VideoFrame], field_order: str, matrix: int) -> Iterator[VideoFrame]:
    """One frame of every two: a field of the one, the other field of the next.

    Lines are taken as they are. A last frame without a partner gives both fields.
    """
    return _flagged(_paired(frames, field_order), field_order, matrix)


def reordered(frames: Iterator[VideoFrame], field_order: str, matrix: int) -> Iterator[VideoFrame]:
    """Interlaced frames that begin with the other field: each second field and the next first.

    The very first field is left out, the very last shown twice. No line moves.
    """
    return _flagged(_shifted(frames, field_order), field_order, matrix)


def _paired(frames: Iterator[VideoFrame], field_order: str) -> Iterator[VideoFrame]:
    for first in frames:
        second = next(frames, None)
        if second is not None:
            _weave(first, second, field_order)
            ticks = (end_of(second) - start_of(first)) / (first.time_base or 1)
            first.duration = max(1, round(ticks))
        yield first


def _shifted(frames: Iterator[VideoFrame], field_order: str) -> Iterator[VideoFrame]:
    first = next(frames, None)
    for second in frames:
        if first is not None:
            _weave(first, second, field_order)
            yield first
        first = second
    if first is not None:
        first.make_writable()
        later = _second_field(field_order)
        for plane in planes(first):
            plane[later::2] = plane[1 - later :: 2]
        yield first


def _weave(first: VideoFrame, second: VideoFrame, field_order: str) -> None:
    """Put the later field of the second frame into the first."""
    # A converter may have repeated a frame: both share their memory.
    first.make_writable()
    later = _second_field(field_order)
    for target, source in zip(planes(first), planes(second), strict=True):
        target[later::2] = source[later::2]


def _second_field(field_order: str) -> int:
    """The first line of the field that comes second."""
    return 1 if field_order == "top_first" else 0


def _flagged(frames: Iterator[VideoFrame], field_order: str, matrix: int) -> Iterator[VideoFrame]:
    step: Step = ("setfield", {"mode": FIELD_MODES[field_order]})
    return filtered(frames, lambda _: [step], matrix)
