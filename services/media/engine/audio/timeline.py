"""The sound of a file from its first sample that is heard to its last, without holes."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet

from services.media.engine.audio.facts import JITTER, Progress, SoundFacts
from services.media.engine.audio.reading import open_sound, sound_stream
from services.media.engine.reading import frames_of, packets_of
from services.media.engine.samples import first_samples

# Seconds before the place wanted that decoders get used to the sound.
_RUN_UP = 1.0
# Samples: decoders give a thousand at a time, which is little for what is done with all of them.
_BLOCK = 1 << 14


def timed(
    path: Path, facts: SoundFacts, progress: Progress, start: float = 0, end: float | None = None
) -> Iterator[tuple[float, AudioFrame]]:
    """The frames of a file's sound, each with when it begins, in seconds of what is heard.

    The first may begin before `start`, the last ends by `end` at the latest. Between frames there
    may be silence; times never go back. `progress` takes 0 to 100.
    """
    stop = float(facts.duration) if end is None else min(end, float(facts.duration))
    told = 0.0
    with open_sound(path) as container:
        stream = sound_stream(container)
        begins, tick = float(facts.begins or 0), float(stream.time_base or 0)
        wanted = _from(packets_of(container, stream), (begins + start - _RUN_UP) / (tick or 1))
        time: float | None = None
        for frame in frames_of(stream, wanted):
            time = _time(frame, time, tick, begins if facts.begins is not None else None)
            rate, samples = frame.sample_rate, frame.samples
            left = round((stop - time) * rate)
            if left <= 0:
                break
            begin, time = time, time + samples / rate
            if time > start:
                yield begin, frame if left >= samples else first_samples(frame, left)
            if time > told:
                progress(min(100.0, 100 * (time - start) / (stop - start)))
                told = time + 1
    progress(100.0)


def blocks(
    path: Path, facts: SoundFacts, progress: Progress, start: float, end: float
) -> Iterator[tuple[float, AudioFrame]]:
    """The same as `timed`, in few large frames."""
    fifo = AudioFifo()
    begins = expected = 0.0
    kind: object = None
    for time, frame in timed(path, facts, progress, start, end):
        fits = (frame.format.name, frame.layout.name, frame.sample_rate)
        if fifo.samples and (fits != kind or time > expected + 0.5 / frame.sample_rate):
            yield begins, cast(AudioFrame, fifo.read())
        if not fifo.samples:
            fifo, begins, kind = AudioFifo(), time, fits
        frame.pts = None
        fifo.write(frame)
        expected = time + frame.samples / frame.sample_rate
        if fifo.samples >= _BLOCK:
            yield begins, cast(AudioFrame, fifo.read())
    if fifo.samples:
        yield begins, cast(AudioFrame, fifo.read())


def _from(
    all_packets: "Iterator[Packet[AudioStream]]", first: float
) -> "Iterator[Packet[AudioStream]]":
    """Packets from a tick on: to walk through what comes before is quick, and exact."""
    for packet in all_packets:
        if packet.pts is None or packet.pts >= first:
            yield packet


def _time(frame: AudioFrame, expected: float | None, tick: float, begins: float | None) -> float:
    """When a frame begins, in seconds of what is heard."""
    pts = frame.pts
    if pts is None or begins is None:
        return expected or 0.0
    told = pts * tick - begins
    # Joined files begin to count anew.
    return max(told, 0.0) if expected is None or told > expected + JITTER else expected
