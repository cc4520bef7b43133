"""Reads what a file's sound is and how long it lasts, by all of its packets."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from services.media.engine.audio.content import content_type
from services.media.engine.audio.reading import (
    SOUND_DAMAGED,
    SOUND_ENCRYPTED,
    open_sound,
    sound_stream,
)
from services.media.engine.failure import BadMedia
from services.media.engine.reading import MAX_SECONDS, frames_of, packets_of

Progress = Callable[[float], None]

# Packets at the end that are decoded, to know where what is heard ends: encoders fill up their
# last block, and say so in a way of their container's own. Decoders swallow what comes first:
# some eighty milliseconds of Opus, whose shortest packets have two and a half.
_LAST = 64


@dataclass(frozen=True)
class SoundFacts:
    """What a file's sound is. `codec` is FFmpeg's name: mp3, aac, vorbis, pcm_s16le."""

    codec: str
    content_type: str
    # Seconds that are heard: without what encoders put before and after it.
    duration: Fraction
    # When that begins, as the file counts; None where it does not tell.
    begins: Fraction | None
    rate: int
    channels: int


# Times may be rounded to milliseconds, or be those of clocks that are not quite even.
JITTER = 0.05


@dataclass
class _Tally:
    """The stretches of packets, in ticks of their stream: joined files begin to count anew."""

    jitter: int
    last: deque["Packet[AudioStream]"]
    packets: int = 0
    # Of all stretches before the one that begins at `start`.
    before: int = 0
    start: int = 0
    end: int = 0
    # What a packet lasts at most, or how far two begin from each other.
    longest: int = 0
    _time: int = 0

    def add(self, packet: "Packet[AudioStream]") -> None:
        time, duration = packet.pts, packet.duration or 0
        if time is None:
            time = self.end
        if not self.packets:
            self.start = time
        elif time < self.end - self.jitter:
            self.before += self.end - self.start
            self.start = time
            self.last.clear()
        else:
            self.longest = max(self.longest, duration, time - self._time)
        self.packets += 1
        self.last.append(packet)
        self._time, self.end = time, time + duration


def sound_facts(path: Path, progress: Progress) -> SoundFacts:
    """Read the facts of a file's sound; `progress` takes 0 to 100.

    Raises BadMedia when it has none that can be heard, or more than a day of it.
    """
    with open_sound(path) as container:
        stream = sound_stream(container)
        tally = _walk(container, stream, path.stat().st_size, progress)
        unit = stream.time_base or Fraction(1, stream.codec_context.sample_rate)
        first = _first(path)
        begins = _time(first)
        duration = _heard(stream, tally, unit, begins)
        duration = _told(container, stream, duration, tally.longest * unit) or duration
        if duration > MAX_SECONDS:
            raise BadMedia("The sound is longer than 24 hours.")
        return SoundFacts(
            codec=stream.codec_context.codec.canonical_name,
            content_type=content_type(path, container),
            duration=duration,
            begins=begins,
            rate=stream.codec_context.sample_rate,
            channels=stream.codec_context.layout.nb_channels,
        )


def _walk(container: InputContainer, stream: AudioStream, size: int, progress: Progress) -> _Tally:
    jitter = round(JITTER / (stream.time_base or 1))
    tally = _Tally(jitter, deque(maxlen=_LAST))
    for packet in packets_of(container, stream):
        if not tally.packets and packet.has_sidedata("encryption_info"):
            raise BadMedia(SOUND_ENCRYPTED)
        if not packet.is_discard:
            tally.add(packet)
        if tally.packets % 1024 == 0 and packet.pos is not None:
            progress(min(100.0, 100.0 * packet.pos / size))
    progress(100.0)
    return tally


def _first(path: Path) -> AudioFrame:
    with open_sound(path) as container:
        stream = sound_stream(container)
        first: AudioFrame | None = next(frames_of(stream, packets_of(container, stream)), None)
    if first is None:
        raise BadMedia(SOUND_DAMAGED)
    return first


def _heard(stream: AudioStream, tally: _Tally, unit: Fraction, begins: Fraction | None) -> Fraction:
    """Seconds from the first sample that is heard to the last."""
    start = tally.start * unit
    if not tally.before and begins is not None:
        start = begins
    end: Fraction | None = None
    for frame in frames_of(stream, tally.last):
        # Of several frames in a packet decoders time the first.
        time = _time(frame)
        if time is None:
            time = start if end is None else end
        end = time + Fraction(frame.samples, frame.sample_rate)
    return tally.before * unit + (tally.end * unit if end is None else end) - start


def _time(frame: AudioFrame) -> Fraction | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base


def _told(
    container: InputContainer, stream: AudioStream, heard: Fraction, longest: Fraction
) -> Fraction | None:
    """What the edit list of an MP4 leaves of its last packet; None where it cannot be that."""
    if "mov" not in container.format.name or not stream.duration or stream.time_base is None:
        return None
    told = stream.duration * stream.time_base
    return told if 0 <= heard - told <= longest else None
