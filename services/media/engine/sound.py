"""Carries sound into a new file: untouched where it can hold the codec, else made anew."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Protocol, cast

from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from services.media.engine.coded_sound import coded_sound
from services.media.engine.containers import Container
from services.media.engine.part import Range
from services.media.engine.plan import Sound
from services.media.engine.reading import open_video
from services.media.engine.samples import Resampler, TimedSound, first_samples, silence
from services.media.engine.tags import carry_tags

_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
# Layouts that AAC can say by number.
_AAC_LAYOUTS = {"mono", "stereo", "3.0", "4.0", "5.0", "5.1", "7.1(wide)", "7.1"}
_AAC_BITS_PER_CHANNEL = 96_000
# Samples of silence to write at a time.
_PIECE = 48_000


class Track(Protocol):
    """A stream of the new file, fed with packets of the old."""

    def take(self, packet: "Packet[AudioStream]") -> None:
        """Put into the file what the packet holds."""

    def finish(self, end: Fraction) -> None:
        """Put into the file what is still under way; the picture ends at `end`, in seconds."""


def sound_tracks(
    source: InputContainer,
    target: OutputContainer,
    container: Container,
    part: Range,
    wanted: Sound | None,
) -> dict[int, Track]:
    """A track for every stream of sound that can be read, by the stream's index.

    Where something is `wanted` of the sound, it is made anew of the first of them alone.
    """
    tracks: dict[int, Track] = {}
    for stream in sound_streams(source):
        if wanted is not None:
            return {stream.index: _Encoded(target, stream, container, part, wanted)}
        name = stream.codec_context.codec.canonical_name
        # Plain samples lose nothing by being made anew, and can be cut anywhere then.
        exact = name.startswith("pcm_") and (part.cut or part.end is not None)
        fits = container.layout in (None, stream.layout.name)
        carried = name in container.carried and fits and not exact
        kind = _Carried if carried else _Encoded
        tracks[stream.index] = kind(target, stream, container, part)
        if not container.many_sounds:
            break
    return tracks


def sound_streams(source: InputContainer) -> Iterator[AudioStream]:
    """The streams of sound that can be read.

    Those of an unknown codec, or whose header is broken, have nothing to carry.
    """
    for stream in source.streams.audio:
        if stream.codec_context is not None and stream.codec_context.sample_rate:
            yield stream


def usual_rate(source: Path) -> int:
    """The rate in Hz at which AAC loses least of a file's first sound; 48000 where it has none."""
    with open_video(source) as reader:
        return _aac_rate(next((each.sample_rate for each in sound_streams(reader)), 48_000))


class _Carried:
    def __init__(
        self, target: OutputContainer, stream: AudioStream, container: Container, part: Range
    ) -> None:
        self._target = target
        self._output = target.add_stream_from_template(stream)
        carry_tags(stream, self._output, container)
        unit = stream.time_base or Fraction(1)
        self._shift = round(part.origin / unit)
        self._cut = part.cut
        self._end = None if part.end is None else round(part.end / unit) - self._shift
        self._last: int | None = None
        self._before: Packet[AudioStream] | None = None

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
        if self._cut and packet.pts + (packet.duration or 0) <= 0:
            self._before = packet
            return
        if self._before is not None:
            # What a decoder needs to have heard before what is heard.
            self._put(self._before)
            self._before = None
        self._put(packet)

    def _put(self, packet: "Packet[AudioStream]") -> None:
        if self._end is not None:
            left = self._end - cast(int, packet.pts)
            if left <= 0:
                return
            packet.duration = min(packet.duration or left, left)
        packet.stream = self._output
        self._target.mux_one(packet)

    def finish(self, end: Fraction) -> None:
        """Nothing is ever under way."""


class _Encoded:
    def __init__(
        self,
        target: OutputContainer,
        stream: AudioStream,
        container: Container,
        part: Range,
        wanted: Sound | None = None,
    ) -> None:
        self._target = target
        self._timed = TimedSound(part.origin)
        made = (
            coded_sound(target, wanted, stream.layout.nb_channels)
            if wanted
            else _usual(target, stream, container)
        )
        self._output = made
        carry_tags(stream, made, container)
        context = made.codec_context
        self._kind = context.format.name, context.layout, context.sample_rate
        self._fills = not container.late_starts
        self._resampler = Resampler(*self._kind, from_zero=part.cut or self._fills)
        self._end = None
        if part.end is not None:
            self._end = round((part.end - part.origin) * context.sample_rate)
        # Samples written.
        self._next = 0

    def take(self, packet: "Packet[AudioStream]") -> None:
        for frame in self._timed.frames(packet):
            for resampled in self._resampler.convert(frame):
                self._encode(resampled)

    def finish(self, end: Fraction) -> None:
        for resampled in self._resampler.flush():
            self._encode(resampled)
        # Where sound lies beside the picture frame by frame, the shorter would end the file.
        last = round(end * self._kind[2]) if self._fills else 0
        while self._next < last:
            self._put(silence(*self._kind, self._next, min(_PIECE, last - self._next)))
        self._target.mux(self._output.encode(None))

    def _encode(self, frame: AudioFrame) -> None:
        if self._end is not None and frame.pts is not None:
            left = self._end - frame.pts
            if left <= 0:
                return
            frame = frame if left >= frame.samples else first_samples(frame, left)
        self._put(frame)

    def _put(self, frame: AudioFrame) -> None:
        self._next = (frame.pts or 0) + frame.samples
        self._target.mux(self._output.encode(frame))


def _usual(target: OutputContainer, stream: AudioStream, container: Container) -> AudioStream:
    """What becomes of sound that the container cannot take."""
    codec = stream.codec_context.codec
    kind = container.lossless if codec.lossless and not codec.lossy else container.lossy
    return (_pcm if kind == "pcm" else _aac)(target, stream, container)


def _aac(target: OutputContainer, stream: AudioStream, container: Container) -> AudioStream:
    rate = _aac_rate(stream.sample_rate)
    layout = AudioLayout(container.layout) if container.layout else _aac_layout(stream.layout)
    bits = _AAC_BITS_PER_CHANNEL * layout.nb_channels
    return target.add_stream("aac", rate=rate, layout=layout, bit_rate=bits)


def _pcm(target: OutputContainer, stream: AudioStream, container: Container) -> AudioStream:
    """Plain samples, of 24 bits where the source has more than 16."""
    context = stream.codec_context
    # What loses is decoded to floating point, and is no better than 16 bits for it.
    fine = context.codec.lossless and context.format.bytes > 2
    return target.add_stream(
        "pcm_s24le" if fine else "pcm_s16le",
        rate=container.sample_rate or stream.sample_rate,
        layout=stream.layout,
    )


def _aac_rate(rate: int) -> int:
    """The rate in Hz that AAC knows, and that loses least."""
    return min((known for known in _AAC_RATES if known >= rate), default=_AAC_RATES[0])


def _aac_layout(layout: AudioLayout) -> AudioLayout:
    if layout.name in _AAC_LAYOUTS:
        return layout
    names = {1: "mono", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
    return AudioLayout(names.get(layout.nb_channels, "stereo"))
