"""When frames are shown, and frames beyond the ends for filters that look around."""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction

from av.video.frame import VideoFrame


def start_of(frame: VideoFrame) -> Fraction:
    """When a frame is shown, in seconds."""
    return (frame.pts or 0) * _tick(frame)


def end_of(frame: VideoFrame) -> Fraction:
    """When a frame goes, in seconds."""
    return ((frame.pts or 0) + frame.duration) * _tick(frame)


def _tick(frame: VideoFrame) -> Fraction:
    return frame.time_base or Fraction(0)


def moved(frame: VideoFrame, start: Fraction, duration: Fraction, tick: Fraction) -> VideoFrame:
    """The same frame, shown at another time; all in seconds."""
    frame.pts, frame.duration = round(start / tick), max(1, round(duration / tick))
    frame.time_base = tick
    return frame


def around(
    frames: Iterator[VideoFrame],
    start: Fraction,
    before: int | None,
    end: Fraction | None,
    after: int,
) -> Iterator[VideoFrame]:
    """Frames from `start` up to `end`, in seconds, and so many before and after for filters.

    `before` None: all of them. `end` None: all that follow.
    """
    earlier: deque[VideoFrame] = deque(maxlen=before)
    for frame in frames:
        if before is not None and start_of(frame) < start:
            earlier.append(frame)
            continue
        while earlier:
            yield earlier.popleft()
        if end is not None and start_of(frame) >= end:
            after -= 1
            if after < 0:
                return
        yield frame
    yield from earlier


def since(frames: Iterator[VideoFrame], start: Fraction, lead: int) -> Iterator[VideoFrame]:
    """Frames from a time on, after as many as `lead` of those before.

    Where no frame begins at that time, the one that is still on screen does.
    """
    before: deque[VideoFrame] = deque(maxlen=lead + 1)
    for frame in frames:
        if start_of(frame) < start:
            before.append(frame)
            continue
        yield from _opening(before, start, start_of(frame), lead)
        yield frame
        yield from frames
        return
    # Nothing begins later: the last one stays on screen.
    if before and end_of(before[-1]) > start:
        yield from _opening(before, start, end_of(before[-1]), lead)


def _opening(
    before: deque[VideoFrame], start: Fraction, following: Fraction, lead: int
) -> Iterator[VideoFrame]:
    if before and following > start:
        held = before.pop()
        yield from before
        yield moved(held, start, following - start, _tick(held))
    elif lead:
        yield from list(before)[-lead:]


def until(frames: Iterator[VideoFrame], end: Fraction) -> Iterator[VideoFrame]:
    """Frames up to a time; the last of them goes then."""
    for frame in frames:
        if start_of(frame) >= end:
            return
        if end_of(frame) > end:
            frame.duration = max(1, round((end - start_of(frame)) / _tick(frame)))
        yield frame


class Ends:
    """Gives a filter that looks at neighbours some beyond the first and the last frame.

    They are a usual distance (seconds) from one another. What the filter makes
    of them is taken out again, as is what it makes of frames that lie before
    `first` or from `end` on, where these are given.
    """

    def __init__(
        self, usual: Fraction, first: Fraction | None = None, end: Fraction | None = None
    ) -> None:
        self._usual = usual
        self._first = first
        self._end = end

    def mirrored(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        """The frames between their second and their last but one: still something moves."""
        last = next(frames, None)
        if last is None:
            return
        following = next(frames, None)
        last_but_one = following or last
        self._begin_with(last)
        yield from shown_at(last_but_one, start_of(last) - self._usual)
        yield last
        while following is not None:
            last_but_one, last = last, following
            yield last
            following = next(frames, None)
        self._end_with(last)
        yield from shown_at(last_but_one, end_of(last))

    def repeated(
        self, frames: Iterator[VideoFrame], before: int, after: int
    ) -> Iterator[VideoFrame]:
        """The frames after so many copies of the first, unless they begin early enough; and on."""
        last = None
        for frame in frames:
            if last is None:
                self._begin_with(frame)
                lacking = before if start_of(frame) == self._first else 0
                for place in range(lacking, 0, -1):
                    yield from shown_at(frame, start_of(frame) - place * self._usual)
            last = frame
            yield frame
        if last is not None:
            self._end_with(last)
            for place in range(after):
                yield from shown_at(last, end_of(last) + place * self._usual)

    def take_off(
        self, frames: Iterator[VideoFrame], lasts: Fraction = Fraction(0)
    ) -> Iterator[VideoFrame]:
        """The frames between the ends, of those that last so many seconds at least half."""
        for frame in frames:
            start = start_of(frame)
            if self._first is not None and start < self._first:
                continue
            if self._end is not None and (start >= self._end or start + lasts / 2 > self._end):
                return
            yield frame

    def _begin_with(self, frame: VideoFrame) -> None:
        if self._first is None:
            self._first = start_of(frame)

    def _end_with(self, frame: VideoFrame) -> None:
        if self._end is None:
            self._end = end_of(frame)


def shown_at(frame: VideoFrame, start: Fraction) -> Iterator[VideoFrame]:
    """The frame at another time, in seconds, while it is looked at; then it has its own again."""
    own = frame.pts
    frame.pts = round(start / _tick(frame))
    yield frame
    frame.pts = own
