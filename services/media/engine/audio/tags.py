"""What a file says about its sound: title, artist and the like, and its cover."""

from typing import TypeAlias

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

Cover: TypeAlias = "Packet[VideoStream] | None"

# What is about the file that it stands in, and not about the sound.
_OF_THE_FILE = {
    "major_brand",
    "minor_version",
    "compatible_brands",
    "creation_time",
    "encoder",
    "encoded_by",
    "handler_name",
    "language",
    "vendor_id",
    "duration",
    "metadata_block_picture",
}

# Those that MP3 and MP4 know of pictures.
_COVERS = {"mjpeg", "png"}


def tags_of(container: InputContainer, stream: AudioStream) -> dict[str, str]:
    """Title, artist and the like, by FFmpeg's names; Ogg has them at the stream."""
    told = {**stream.metadata, **container.metadata}
    return {
        name.lower(): value
        for name, value in told.items()
        if name.lower() not in _OF_THE_FILE and value
    }


def cover_of(container: InputContainer) -> Cover:
    """The picture that comes with the sound, when there is one."""
    for stream in container.streams.video:
        context = stream.codec_context
        if stream.disposition & Disposition.attached_pic and context is not None:
            if context.codec.canonical_name not in _COVERS:
                continue
            return next((each for each in container.demux(stream) if each.size), None)
    return None
