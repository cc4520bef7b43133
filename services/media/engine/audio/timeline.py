"""The sound of a file from its first sample that is heard to its last, without holes."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from av.audio.frame import AudioFrame

from services.media.engine.audio.facts import JITTER, Progress, SoundFacts, decoded, packets
from services.media.engine.audio.reading import open_sound, sound_stream
from services.media.engine.samples import first_samples


def timed(
    path: Path, facts: SoundFacts, progress: Progress, start: Fraction = Fraction(0)
) -> Iterator[tuple[Fraction, AudioFrame]]:
    """The frames of a file's sound, each with when it begins, in seconds of what is heard.

    With `start` the first frames may begin before it, but none that ends by then comes where the
    file can be entered there. A frame that begins later than where the last one ended leaves
    silence between; times never go back. `progress` takes 0 to 100.
    """
    with open_sound(path) as container:
        stream = sound_stream(container)
        begins = _first_time(path)
        if start > _RUN_UP and begins is not None and container.format.name not in _NO_ENTRY:
            container.seek(
                int((begins + start - _RUN_UP) / (stream.time_base or Fraction(1))), stream=stream
            )
        time: Fraction | None = None
        for frame in decoded(stream, packets(container, stream)):
            time = _time(frame, time, begins)
            left = round((facts.duration - time) * frame.sample_rate)
            if left <= 0:
                break
            shown = frame if left >= frame.samples else first_samples(frame, left)
            if time + Fraction(shown.samples, frame.sample_rate) > start:
                yield time, shown
            time += Fraction(frame.samples, frame.sample_rate)
            progress(min(100.0, float(100 * time / facts.duration)))


# Seconds before the place wanted that decoders get used to the sound.
_RUN_UP = 1
# Where FFmpeg only guesses the place from the bit rate.
_NO_ENTRY = {"mp3", "aac", "loas", "ac3", "eac3", "dts", "ogg"}


def _first_time(path: Path) -> Fraction | None:
    with open_sound(path) as container:
        stream = sound_stream(container)
        first = next(decoded(stream, packets(container, stream)), None)
        return None if first is None else _told(first)


def _told(frame: AudioFrame) -> Fraction | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base


def _time(frame: AudioFrame, expected: Fraction | None, begins: Fraction | None) -> Fraction:
    """When a frame begins, in seconds of what is heard."""
    told = _told(frame)
    if told is None or begins is None:
        return expected or Fraction(0)
    # Joined files begin to count anew.
    if expected is None or told - begins > expected + JITTER:
        return max(told - begins, Fraction(0))
    return expected
