"""New files of sound: MP3 by LAME, AAC by FFmpeg, Vorbis by libvorbis."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Protocol, cast

import av
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Disposition

from services.media.engine.audio.kinds import KINDS
from services.media.engine.audio.tags import Cover
from services.media.engine.samples import samples_of

# FFmpeg's unit of quality, and LAME's second best of ten: some 190 kbit/s of stereo, which few
# tell from the source.
_LAMBDA, _LAME_QUALITY = 118, 2
# libvorbis' quality 5 of 10: some 160 kbit/s of stereo.
_VORBIS_QUALITY = 0.5
_AAC_BITS_PER_CHANNEL = 96_000
# FFmpeg's order of channels in Vorbis' (Vorbis I specification, 4.3.9).
_VORBIS_ORDERS = {
    3: (0, 2, 1),
    5: (0, 2, 1, 3, 4),
    6: (0, 2, 1, 4, 5, 3),
    7: (0, 2, 1, 5, 6, 4, 3),
    8: (0, 2, 1, 6, 7, 4, 5, 3),
}
# By FFmpeg's names, those of libsndfile.
_COMMENTS = {
    "title": "title",
    "artist": "artist",
    "album": "album",
    "date": "date",
    "genre": "genre",
    "comment": "comment",
    "copyright": "copyright",
    "track": "tracknumber",
}


class Coded(Protocol):
    """A new file of sound."""

    def write(self, frame: AudioFrame) -> None:
        """Add floating-point samples, one plane a channel."""

    def close(self) -> None:
        """Write what is still under way."""


def coded(
    path: Path,
    codec: str,
    rate: int,
    layout: AudioLayout,
    tags: Mapping[str, str],
    cover: Cover,
) -> Coded:
    """Begin a file in a codec: mp3, aac or vorbis, the last without the cover."""
    if codec == "vorbis":
        return _Vorbis(path, rate, layout, tags)
    return _Muxed(path, codec, rate, layout, tags, cover)


class _Vorbis:
    def __init__(self, path: Path, rate: int, layout: AudioLayout, tags: Mapping[str, str]) -> None:
        channels = layout.nb_channels
        self._order = _VORBIS_ORDERS.get(channels, range(channels))
        self._file = soundfile.SoundFile(
            path,
            "w",
            samplerate=rate,
            channels=channels,
            format="OGG",
            subtype="VORBIS",
            compression_level=1 - _VORBIS_QUALITY,
        )
        for name, comment in _COMMENTS.items():
            if name in tags:
                setattr(self._file, comment, tags[name])

    def write(self, frame: AudioFrame) -> None:
        samples = samples_of(frame, np.dtype(np.float32))
        self._file.write(np.stack([samples[channel] for channel in self._order], axis=1))

    def close(self) -> None:
        self._file.close()


class _Muxed:
    def __init__(
        self,
        path: Path,
        codec: str,
        rate: int,
        layout: AudioLayout,
        tags: Mapping[str, str],
        cover: Cover,
    ) -> None:
        self._target = create(path, codec, tags)
        stream = self._target.add_stream(
            {"mp3": "libmp3lame", "aac": "aac"}[codec], rate=rate, layout=layout, format="fltp"
        )
        self._stream = cast(AudioStream, stream)
        if codec == "mp3":
            self._stream.codec_context.options = {
                "flags": "+qscale",
                "global_quality": str(_LAME_QUALITY * _LAMBDA),
            }
        else:
            self._stream.codec_context.bit_rate = _AAC_BITS_PER_CHANNEL * layout.nb_channels
        add_cover(self._target, cover)

    def write(self, frame: AudioFrame) -> None:
        self._target.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._target.mux(self._stream.encode(None))
        self._target.close()


def create(path: Path, codec: str, tags: Mapping[str, str]) -> OutputContainer:
    """Begin a file of the kind of a codec, with tags by FFmpeg's names."""
    options = {"id3v2_version": "3"} if codec == "mp3" else {}
    if codec == "aac":
        # The index goes in front, so that playing may start while loading.
        options = {"movflags": "+faststart", "brand": "M4A "}
    url = f"file:{path.absolute()}"
    target = av.open(url, "w", format=KINDS[codec].muxer, container_options=options)
    target.metadata.update(tags)
    return target


def add_cover(target: OutputContainer, cover: Cover) -> None:
    """Put a picture into a file, whose streams are all there."""
    if cover is None:
        return
    made = target.add_stream_from_template(cover.stream)
    made.disposition = Disposition.attached_pic
    cover.stream = made
    cover.pts = cover.dts = 0
    cover.time_base = Fraction(1, 90_000)
    target.mux(cover)
