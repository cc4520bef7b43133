"""Looks into a video here and there, decoding as little as that needs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from services.media.engine.approach import Approach
from services.media.engine.probe import VideoFacts
from services.media.engine.reading import frames_of, open_video, packets_of, video_stream

# Reading on for so many seconds takes no longer than moving, where the file does not tell.
_NEAR = Fraction(2)
# How far ahead of a time to begin reading, in seconds, tried in turn: broadcasts
# do not know where their key frames are.
_RUN_UPS = (0, 2, 10, 60)


def _tell_nobody(time: Fraction) -> None:
    """Where nobody waits for the frames."""


@dataclass(frozen=True)
class Glimpse:
    """A frame with its neighbours; None at the ends of what was read."""

    # When it begins to be shown, in seconds from the first frame.
    time: Fraction
    before: VideoFrame | None
    frame: VideoFrame
    after: VideoFrame | None


def glimpses(
    path: Path,
    facts: VideoFacts,
    times: Sequence[Fraction],
    most: int,
    reached: Callable[[Fraction], None] = _tell_nobody,
) -> Iterator[Glimpse]:
    """What is on screen at each of some rising times, in seconds from the first frame.

    After a move at most `most` frames are decoded: where key frames are further
    apart, the last of those is taken. There may be none where a file is damaged.
    `reached` is told the time of each frame on the way.
    """
    with open_video(path) as reader:
        place = _Place(reader, facts)
        for time in times:
            if place.is_far_from(time):
                place.move(time)
            else:
                place.approach(time)
            while place.ends_by(time) and place.decoded < most:
                place.go_on()
                reached(place.time or time)
            if place.frame is not None:
                yield Glimpse(place.time or Fraction(0), place.before, place.frame, place.after)


def first_frame(reader: InputContainer) -> VideoFrame | None:
    """The first frame of a file that was just opened; None when none can be decoded."""
    stream = video_stream(reader)
    # Threads that decode frames side by side would begin with many for the sake of one.
    stream.thread_type = "SLICE"
    return next(frames_of(stream, packets_of(reader, stream)), None)


def stretch(
    path: Path, facts: VideoFacts, start: Fraction, seconds: Fraction
) -> Iterator[VideoFrame]:
    """The frames of so many seconds, from the key frame at or before a time on."""
    with open_video(path) as reader:
        place = _Place(reader, facts)
        place.move(start)
        for _ in range(ceil(seconds * facts.average_rate)):
            if place.frame is None:
                return
            yield place.frame
            place.go_on()


class _Place:
    """Where reading is: a frame and those beside it."""

    def __init__(self, reader: InputContainer, facts: VideoFacts) -> None:
        self._reader = reader
        self._stream = video_stream(reader)
        self._stream.thread_type = "AUTO"
        self._unit = self._stream.time_base or Fraction(1, 90_000)
        self._beginning = (self._stream.start_time or 0) * self._unit
        self._usual = 1 / facts.average_rate
        self._indexed = "mov" in facts.container_name
        self._packets = Approach(reader, self._stream)
        self._frames: Iterator[VideoFrame] = iter(())
        self.before: VideoFrame | None = None
        self.frame: VideoFrame | None = None
        self.after: VideoFrame | None = None
        # Frames read since the last move, beginning with 1.
        self.decoded = 0

    @property
    def time(self) -> Fraction | None:
        """When the frame begins to be shown, in seconds from the first frame."""
        return None if self.frame is None else self._time(self.frame)

    def is_far_from(self, time: Fraction) -> bool:
        """Whether moving to a time takes less than reading on to it."""
        if self.time is None:
            return True
        if self._indexed and self._packets.last is not None:
            # Where a MOV or MP4 is entered is known: a key frame that is still to come.
            keys = self._stream.index_entries
            entry = keys.search_timestamp(self._ticks(time), backward=True)
            return entry >= 0 and keys[entry].timestamp > self._packets.last
        return time - self.time > _NEAR

    def move(self, time: Fraction) -> None:
        """Go to a key frame that is shown at a time or before, the last one where files tell."""
        for run_up in _RUN_UPS if time > 0 else ():
            if not self._seek(time - run_up):
                break
            self._begin(time)
            if self.time is not None and self.time <= time:
                return
        if not self.decoded or self._seek(Fraction(0)):
            self._begin(time)

    def approach(self, time: Fraction) -> None:
        """Read on to a time: of the frames before it, only those are wanted that it needs."""
        self._packets.head_for(self._ticks(time))

    def _ticks(self, time: Fraction) -> int:
        return int((time + self._beginning) / self._unit)

    def _seek(self, time: Fraction) -> bool:
        """Whether the file could be moved about in; else reading goes on."""
        if self._stream.start_time is None:
            # A bare codec stream: it knows no times to move to.
            return False
        try:
            self._reader.seek(self._ticks(time), stream=self._stream)
        except av.error.FFmpegError:
            return False
        return True

    def _begin(self, time: Fraction) -> None:
        self._packets = Approach(self._reader, self._stream)
        self.approach(time)
        self._frames = self._timed(frames_of(self._stream, self._packets))
        self.decoded = 1
        self.before, self.frame = None, next(self._frames, None)
        self.after = None if self.frame is None else next(self._frames, None)

    def go_on(self) -> None:
        """Go to the next frame."""
        self.decoded += 1
        self.before, self.frame = self.frame, self.after
        self.after = next(self._frames, None)

    def ends_by(self, time: Fraction) -> bool:
        """Whether another frame is shown at a time."""
        return self.after is not None and self._time(self.after) <= time

    def _time(self, frame: VideoFrame) -> Fraction:
        return (frame.pts or 0) * self._unit - self._beginning

    def _timed(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        for number, frame in enumerate(frames):
            if frame.pts is None:
                # Bare codec streams carry no times, only a rate.
                frame.pts = round((number * self._usual + self._beginning) / self._unit)
            yield frame
