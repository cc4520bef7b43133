"""Finds where the wanted part of a video begins and ends, and how to get there quickly."""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from services.media.engine.failure import BadMedia
from services.media.engine.probe import VideoFacts
from services.media.engine.reading import frames_of, open_video, packets_of, video_stream

# How far before the wanted part to begin reading, in seconds, tried in turn:
# some files have few places to begin at, others do not know theirs.
RUN_UP = 1
_RUN_UPS = (RUN_UP, 5, 30)
# Positions are told in milliseconds, rounded.
_ROUNDING = Fraction(1, 2000)
# From how many seconds on a frame that stays on screen is worth showing in part.
_HELD = Fraction(1, 10)
# By how many packets the order of decoding differs from that of showing at most.
_REORDERING = 32
_BROADCAST_CLOCK = Fraction(1, 90_000)


@dataclass(frozen=True)
class Opening:
    """Where the wanted part lies. Times are in seconds, as the source counts them."""

    # As decoded: tells colours and shapes.
    first: VideoFrame
    # What becomes 0 in the new file.
    origin: Fraction
    # The picture's first frame, and where its last one goes; None: at the source's end.
    start: Fraction
    end: Fraction | None
    # Where to begin reading, in ticks of the picture's stream; None: at the beginning.
    entry: int | None
    # From where on frames are wanted that are those of the whole part; None: from `start`.
    resume: Fraction | None = None

    def resumed(self, source: Path, time: Fraction, lead: Fraction) -> "Opening":
        """The same part, of which only what follows a time is wanted.

        Reading begins `lead` seconds before it at least.
        """
        beginning = _time(self.first) or Fraction(0)
        return replace(self, resume=time, entry=_entry(source, time - lead, beginning))

    def enter(self, reader: InputContainer) -> None:
        """Move a source that was just opened to where reading is to begin."""
        if self.entry is not None:
            reader.seek(self.entry, stream=video_stream(reader))


def opening(
    source: Path, facts: VideoFacts, start: Fraction, end: Fraction | None, lead: Fraction
) -> Opening:
    """Find the part between two times, in seconds from the source's first picture.

    Both move to where the nearest frame begins, or stay where none does for
    long; at least one frame lies between. Reading begins `lead` seconds ahead
    at least. Raises BadMedia where the part lies beyond the end, and where
    nothing can be decoded.
    """
    first = next(_frames(source, None), None)
    if first is None:
        raise BadMedia("None of the video's frames can be decoded.")
    beginning = _time(first) or Fraction(0)
    usual = None if _time(first) is not None else 1 / facts.average_rate
    begin = _frame_at(source, beginning + start, usual) if start else beginning
    if end is not None:
        end = _frame_at(source, beginning + end, usual)
        if end <= begin:
            end = _frame_at(source, begin + 2 * _ROUNDING, usual)
    if begin >= beginning + facts.duration:
        raise BadMedia("The part to convert lies beyond the end of the video.")
    entry = _entry(source, begin - lead, beginning) if start else None
    origin = begin if start else min(beginning, _first_sound(source, beginning))
    return Opening(first, origin, begin, end, entry)


def _frames(source: Path, entry: int | None) -> Iterator[VideoFrame]:
    with open_video(source) as reader:
        stream = video_stream(reader)
        if entry is not None:
            reader.seek(entry, stream=stream)
        yield from frames_of(stream, packets_of(reader, stream))


def _time(frame: VideoFrame) -> Fraction | None:
    # Bare codec streams carry no times.
    return None if frame.pts is None or not frame.time_base else frame.pts * frame.time_base


def _first_sound(source: Path, beginning: Fraction) -> Fraction:
    """When the first sound starts; broadcasts start anywhere."""
    with open_video(source) as reader:
        starts = [
            Fraction(sound.start_time * sound.time_base)
            for sound in reader.streams.audio
            if sound.start_time is not None and sound.time_base is not None
        ]
    return min(starts, default=beginning)


def _frame_at(source: Path, position: Fraction, usual: Fraction | None) -> Fraction:
    """When the frame begins that a position means.

    `usual` is how far apart frames are, in seconds, where the file does not tell.
    """
    with open_video(source) as reader:
        stream = video_stream(reader)
        unit = stream.time_base or _BROADCAST_CLOCK
        if usual is not None:
            number = math.ceil((position - _ROUNDING) / usual)
            return round(number * usual / unit) * unit
        # Where a file cannot be moved about in, all of it is read.
        with suppress(av.error.FFmpegError):
            reader.seek(int((position - 1) / unit), stream=stream)
        nearest: int | None = None
        beyond = 0
        for packet in packets_of(reader, stream):
            if packet.pts is not None and packet.pts * unit >= position - _ROUNDING:
                nearest = packet.pts if nearest is None else min(nearest, packet.pts)
                beyond += 1
            # Packets come in the order of decoding: what follows is shown later still.
            if (nearest is not None and (packet.dts or 0) > nearest) or beyond > _REORDERING:
                break
    if nearest is None or nearest * unit > position + _HELD:
        return position
    return nearest * unit


def _entry(source: Path, position: Fraction, beginning: Fraction) -> int | None:
    """From where decoding gives whole frames in time for a position."""
    with open_video(source) as reader:
        unit = video_stream(reader).time_base or _BROADCAST_CLOCK
    for run_up in _RUN_UPS:
        if position - run_up <= beginning:
            break
        entry = int((position - run_up) / unit)
        with suppress(av.error.FFmpegError):
            key = next((frame for frame in _frames(source, entry) if frame.key_frame), None)
            time = _time(key) if key else None
            if time is not None and time <= position:
                return entry
    return None
