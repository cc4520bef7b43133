"""Keeps the sound of a film, to be heard from its end."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout

from services.media.engine.samples import Resampler, TimedSound

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.packet import Packet

# Bytes of a sample: floating point, of which no codec's sound loses any.
_SAMPLE = 4
# Samples to give back at a time.
_BLOCK = 1 << 15


class Recording:
    """The samples of a stream of sound, in a file; the first is that of the origin.

    Of one channel where the source has one, else of two. Silence stands where
    the source has no sound. Use as a context.
    """

    def __init__(self, path: Path, stream: "AudioStream", rate: int, origin: Fraction) -> None:
        self._file = path.open("w+b")
        self._path = path
        self.rate = rate
        self.channels = min(2, stream.layout.nb_channels)
        self._layout = AudioLayout("mono" if self.channels == 1 else "stereo")
        self._timed = TimedSound(origin)
        self._resampler = Resampler("flt", self._layout, rate, from_zero=True)
        self._samples = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink()

    @property
    def end(self) -> Fraction:
        """When the sound ends, in seconds from the origin."""
        return Fraction(self._samples, self.rate)

    def take(self, packet: "Packet[AudioStream]") -> None:
        """Keep what a packet holds."""
        for frame in self._timed.frames(packet):
            self._keep(self._resampler.convert(frame))

    def finish(self) -> None:
        """Keep what is still under way."""
        self._keep(self._resampler.flush())

    def _keep(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            # A gap is filled, and a source's format may change in between: the time tells where.
            start = self._samples if frame.pts is None else max(0, frame.pts)
            self._file.seek(start * self.channels * _SAMPLE)
            self._file.write(frame.to_ndarray().data)
            self._samples = max(self._samples, start + frame.samples)

    def backwards(self, end: Fraction) -> Iterator[AudioFrame]:
        """The sound from a time down to the origin; their times go up from 0, in samples."""
        position = last = round(end * self.rate)
        while position:
            first = max(0, position - _BLOCK)
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(self._between(first, position)[::-1]).reshape(1, -1),
                format="flt",
                layout=self._layout,
            )
            frame.sample_rate, frame.time_base = self.rate, Fraction(1, self.rate)
            frame.pts = last - position
            yield frame
            position = first

    def _between(self, first: int, end: int) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
        """Samples by their numbers, a row each; silence from the end of the recording on."""
        self._file.seek(first * self.channels * _SAMPLE)
        data = self._file.read((end - first) * self.channels * _SAMPLE)
        samples = np.zeros((end - first, self.channels), np.float32)
        known = np.frombuffer(data, np.float32).reshape(-1, self.channels)
        samples[: len(known)] = known
        return samples
