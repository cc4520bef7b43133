"""Reads the specs of `video.convert` and `video.reverse` as the engine's plan."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.media.engine.plan import Encoding, Sound
from vitascope.tasks.v2.specs_pb2 import VideoConvertSpec, VideoReverseSpec

if TYPE_CHECKING:
    # The engine brings FFmpeg, which whoever lists operations does not need.
    from services.media.engine.images.sizing import Size

Spec = VideoConvertSpec | VideoReverseSpec


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


def kind_for(sound: Sound) -> Kind:
    """The kind of file that players open with such sound."""
    return _KINDS[sound.codec]


def size_of(spec: Spec, seen: "Size") -> "Size":
    """The size that the spec wants of a picture that is seen in a size. Raises BadMedia."""
    from services.media.engine.conversion import size_wanted

    return size_wanted(
        seen,
        spec.width if spec.HasField("width") else None,
        spec.height if spec.HasField("height") else None,
        crop=spec.crop,
    )


def encoding_of(spec: Spec, sound: Sound, bitrate: int) -> Encoding:
    """How the spec wants the new file to be; `bitrate` is of the picture, in bits per second.

    Version 1 knows the bit rate alone, which is then the average. With version 2's quality it is
    the most.
    """
    return Encoding(
        container=kind_for(sound).container,
        codec=spec.video_codec,
        bitrate=bitrate,
        quality=spec.crf if spec.HasField("crf") else None,
        group=spec.gop if spec.HasField("gop") else 0,
        sound=sound,
    )
