"""Carries sound into a new file: untouched where it can hold the codec, else as AAC."""

from fractions import Fraction
from typing import Protocol

import av
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from services.media.engine.containers import Container

_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
# Layouts that AAC can say by number.
_AAC_LAYOUTS = {"mono", "stereo", "3.0", "4.0", "5.0", "5.1", "7.1(wide)", "7.1"}
_AAC_BITS_PER_CHANNEL = 96_000


class Track(Protocol):
    """A stream of the new file, fed with packets of the old."""

    def take(self, packet: "Packet[AudioStream]") -> None:
        """Put into the file what the packet holds."""

    def finish(self) -> None:
        """Put into the file what is still under way."""


def sound_tracks(
    source: InputContainer, target: OutputContainer, container: Container, origin: Fraction
) -> dict[int, Track]:
    """A track for every stream of sound that can be read, by the stream's index.

    `origin` is the time in the source, in seconds, that becomes 0.
    """
    tracks: dict[int, Track] = {}
    for stream in source.streams.audio:
        # Streams of an unknown codec, or whose header is broken, have nothing to carry.
        if stream.codec_context is None or not stream.codec_context.sample_rate:
            continue
        kind = (
            _Carried if stream.codec_context.codec.canonical_name in container.carried else _Encoded
        )
        tracks[stream.index] = kind(target, stream, origin)
    return tracks


class _Carried:
    def __init__(self, target: OutputContainer, stream: AudioStream, origin: Fraction) -> None:
        self._target = target
        self._output = target.add_stream_from_template(stream)
        self._output.metadata.update(_language(stream))
        self._shift = round(origin / (stream.time_base or 1))
        self._last: int | None = None

    def take(self, packet: "Packet[AudioStream]") -> None:
        if packet.dts is None or packet.pts is None:
            return
        decoded = packet.dts - self._shift
        # Damaged files repeat themselves; a file's times may only go up.
        if self._last is not None and decoded <= self._last:
            return
        self._last = decoded
        packet.pts -= self._shift
        packet.dts = decoded
        packet.stream = self._output
        self._target.mux_one(packet)

    def finish(self) -> None:
        """Nothing is ever under way."""


class _Encoded:
    def __init__(self, target: OutputContainer, stream: AudioStream, origin: Fraction) -> None:
        self._target = target
        rate, layout = _aac_rate(stream.sample_rate), _aac_layout(stream.layout)
        self._output = target.add_stream(
            "aac", rate=rate, layout=layout, bit_rate=_AAC_BITS_PER_CHANNEL * layout.nb_channels
        )
        self._output.metadata.update(_language(stream))
        self._origin = origin
        # Lost packets become silence, so that sound stays with its picture.
        self._resampler = AudioResampler("fltp", layout, rate, options={"async": "1"})

    def take(self, packet: "Packet[AudioStream]") -> None:
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            return
        for frame in frames:
            if frame.pts is not None:
                frame.pts -= round(self._origin / (frame.time_base or 1))
            for resampled in self._resampler.resample(frame):
                self._target.mux(self._output.encode(resampled))

    def finish(self) -> None:
        for resampled in self._resampler.resample(None):
            self._target.mux(self._output.encode(resampled))
        self._target.mux(self._output.encode(None))


def _aac_rate(rate: int) -> int:
    """The rate in Hz that AAC knows, and that loses least."""
    return min((known for known in _AAC_RATES if known >= rate), default=_AAC_RATES[0])


def _aac_layout(layout: AudioLayout) -> AudioLayout:
    if layout.name in _AAC_LAYOUTS:
        return layout
    names = {1: "mono", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
    return AudioLayout(names.get(layout.nb_channels, "stereo"))


def _language(stream: AudioStream) -> dict[str, str]:
    return {key: value for key, value in stream.metadata.items() if key == "language"}
