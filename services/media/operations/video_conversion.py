"""Reads the specs of `video.convert` and `video.reverse` as the engine's plan."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.media.engine.plan import Encoding, Sound
from services.media.operations.pictures import asked_size
from vitascope.tasks.v2.specs_pb2 import VideoConvertSpec, VideoReverseSpec

if TYPE_CHECKING:
    # The engine brings FFmpeg, which whoever lists operations does not need.
    from services.media.engine.images.sizing import Size
    from services.media.engine.plan import Filters
    from services.media.engine.probe import VideoFacts

Spec = VideoConvertSpec | VideoReverseSpec

# Bits per second of sound where nothing is said of it: hard to tell from the source's.
_SOUND_BITRATE = 192_000


@dataclass(frozen=True)
class Kind:
    """A kind of file: its ending, its MIME type, and the engine's container."""

    suffix: str
    content_type: str
    container: str


_MP4 = Kind("mp4", "video/mp4", "mp4")
# Browsers and phones play MP4 with AAC and MP3. H.264 with Layer II is what digital television
# sends in transport streams; in MP4 few players look for it. Windows Media Audio has a name of its
# own in Matroska, which VLC, mpv, Kodi and the like play; ASF has none for the order of H.264's
# pictures, and players guess.
_KINDS = {
    "aac": _MP4,
    "mp3": _MP4,
    "mp2": Kind("ts", "video/mp2t", "mts"),
    "wmav1": Kind("mkv", "video/x-matroska", "mkv"),
    "wmav2": Kind("mkv", "video/x-matroska", "mkv"),
}


@dataclass(frozen=True)
class Conversion:
    """What is to be made of a source."""

    # The pixels across and down of what is made.
    size: "Size"
    kind: Kind
    filters: "Filters"
    encoding: Encoding


def conversion_of(spec: VideoConvertSpec, source: Path, facts: "VideoFacts") -> Conversion:
    """What `video.convert` makes of a source. Raises BadMedia."""
    sound = Sound(spec.audio_codec, 1000 * spec.audio_bitrate, spec.sample_rate)
    return _conversion(spec, source, facts, sound, 1000 * spec.video_bitrate)


def reversal_of(spec: VideoReverseSpec, source: Path, facts: "VideoFacts") -> Conversion:
    """What `video.reverse` makes of a source. Raises BadMedia.

    Version 2 says nothing of the sound, which stays as it was but for its codec, and may leave the
    bit rate to the source.
    """
    from services.media.engine.sound import usual_rate

    sound = Sound(spec.audio_codec, 1000 * spec.audio_bitrate, spec.sample_rate)
    if not spec.HasField("audio_codec"):
        sound = Sound("aac", _SOUND_BITRATE, usual_rate(source))
    bitrate = max(1000, round(8 * facts.stream_size / facts.duration))
    if spec.HasField("video_bitrate"):
        bitrate = 1000 * spec.video_bitrate
    return _conversion(spec, source, facts, sound, bitrate)


def _conversion(
    spec: Spec, source: Path, facts: "VideoFacts", sound: Sound, bitrate: int
) -> Conversion:
    from services.media.engine.conversion import filters_for, size_seen
    from services.media.engine.previews.look import look_of

    look = look_of(source, facts)
    size = _size_of(spec, size_seen(look))
    return Conversion(
        size=size,
        kind=_KINDS[sound.codec],
        filters=filters_for(look, size, crop=spec.crop),
        encoding=_encoding_of(spec, sound, bitrate),
    )


def _size_of(spec: Spec, seen: "Size") -> "Size":
    """The size that the spec wants of a picture that is seen in a size."""
    from services.media.engine.conversion import size_wanted

    return size_wanted(seen, *asked_size(spec), crop=spec.crop)


def _encoding_of(spec: Spec, sound: Sound, bitrate: int) -> Encoding:
    """How the spec wants the new file to be; `bitrate` is of the picture, in bits per second.

    Version 1 knows the bit rate alone, which is then the average. With version 2's quality it is
    the most.
    """
    return Encoding(
        container=_KINDS[sound.codec].container,
        codec=spec.video_codec,
        bitrate=bitrate,
        quality=spec.crf if spec.HasField("crf") else None,
        group=spec.gop if spec.HasField("gop") else 0,
        sound=sound,
    )
