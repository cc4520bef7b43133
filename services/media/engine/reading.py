"""Opens a stranger's video or sound, and nothing but that file.

The only place where FFmpeg opens something to read. It is handed an open
file, not a name, and of its protocols it may use only the one for open files:
whatever a file names in it, be it another file, an address or `data:`, FFmpeg
has no means to open it. The formats that exist to name others are left out
besides, so that they end with a proper word instead of a failed attempt.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from services.media.engine.cutoff import is_known_container
from services.media.engine.failure import BadMedia
from services.media.engine.kinds import (
    ENCRYPTED,
    PICTURE,
    SOUND,
    UNREADABLE,
    is_encrypted,
    why_not_a_video,
)

# Demuxers of films, by FFmpeg's names. Left out on purpose: whatever names
# other files or addresses (hls, dash, concat, sdp, rtsp, imf, webm_dash_manifest,
# redirects), scripts (avisynth, vapoursynth, lavfi), devices, subtitles,
# pictures (image2, the *_pipe family) and sound alone.
FORMATS = (
    "asf,av1,avi,dv,flv,gxf,h264,hevc,ivf,m4v,matroska,mov,mpeg,mpegts,mpegvideo,mxf,nut,obu,"
    "ogg,rm,vc1,vvc,webm,wtv,yuv4mpegpipe"
)
# Pictures that move are films without sound.
_MOVING_PICTURES = "gif"

MAX_PIXELS = 8192 * 8192
MAX_SECONDS = 24 * 3600
MAX_STREAMS = 100
# A day at 240 frames a second.
MAX_FRAMES = MAX_SECONDS * 240

_CONFINED = {
    "protocol_whitelist": "fd",
    "max_streams": str(MAX_STREAMS),
    # QuickTime's references to tracks in other files.
    "enable_drefs": "0",
    "use_absolute_path": "0",
}

# Still pictures in an ISO file look like films of one frame.
PICTURE_BRANDS = {"avif", "heic", "heix", "heif", "heim", "heis", "mif1", "miaf", "jpeg"}


def open_video(path: Path) -> InputContainer:
    """Open a file as a video, deciding the format from its bytes.

    Raises BadMedia when it is none, or is larger than what is taken in.
    """
    size = path.stat().st_size
    if size == 0:
        raise BadMedia("The file is empty.")
    container = opened(path, f"{FORMATS},{_MOVING_PICTURES}", why_not_a_video)
    try:
        _check(container, path, size)
        # Bare codec streams tell no duration; FFmpeg's guess is no reason to refuse one.
        if is_known_container(path) and (container.duration or 0) > MAX_SECONDS * av.time_base:
            raise BadMedia("The video is longer than 24 hours.")
    except BaseException:
        container.close()
        raise
    return container


def video_stream(container: InputContainer) -> VideoStream:
    """The stream that a player would show. Raises BadMedia when there is none.

    Cover art and the tiles of still pictures are not video.
    """
    if container.metadata.get("major_brand", "").strip() in PICTURE_BRANDS:
        raise BadMedia(PICTURE)
    stills = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
    shown = [stream for stream in container.streams.video if not stream.disposition & stills]
    if not shown:
        raise BadMedia(SOUND if container.streams.audio else "The file holds no video.")
    best = container.streams.best("video")
    stream = next((each for each in shown if each is best or each == best), shown[0])
    # An unknown codec leaves the stream without a context.
    if stream.codec_context is None:
        raise BadMedia("The file's video is in a codec that cannot be read.")
    return stream


def packets_of(reader: InputContainer, *streams: Stream) -> "Iterator[Packet[Any]]":
    """The packets of some streams, up to the end or to where the file cannot be followed.

    The demuxer passes over all others, which may be most of the file.
    """
    for each in reader.streams:
        each.discard = Discard.default if each in streams else Discard.all
    with suppress(av.error.InvalidDataError):
        for packet in reader.demux(*streams):
            if packet.size:
                yield packet


def frames_of(stream: VideoStream | AudioStream, packets: "Iterable[Packet[Any]]") -> Iterator[Any]:
    """The frames of a stream's packets, in the order of showing; damaged ones are left out."""
    for packet in packets:
        with suppress(av.error.InvalidDataError):
            yield from packet.decode()
    with suppress(av.error.InvalidDataError):
        yield from stream.decode(None)


def opened(path: Path, formats: str, why_not: Callable[[Path], str]) -> InputContainer:
    """Open a file with these of FFmpeg's demuxers, and no means to open another.

    Raises BadMedia when none of them reads it, with the sentence that `why_not` has.
    """
    # FFmpeg makes a descriptor of its own of it.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        options = {"fd": str(descriptor), "format_whitelist": formats, **_CONFINED}
        return av.open("fd:", options=options, metadata_errors="replace")
    except av.error.MemoryError as error:
        # Also FFmpeg's word for more streams than it is allowed.
        raise BadMedia(
            "The file declares more than can be handled: too many streams, or too many frames."
        ) from error
    except av.error.FFmpegError as error:
        raise BadMedia(why_not(path)) from error
    finally:
        os.close(descriptor)


def _check(container: InputContainer, path: Path, size: int) -> None:
    stream = video_stream(container)
    # A frame takes a byte at least.
    if stream.frames > min(MAX_FRAMES, size):
        raise BadMedia(f"The file declares {stream.frames:,} frames, more than it can hold.")
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        raise BadMedia(
            f"A picture of {width} x {height} pixels is larger than what can be handled."
        )
    if not width or not height or stream.codec_context.pix_fmt is None:
        # FFmpeg tried to decode what it took for plain: by luck it gets through, or does not.
        raise BadMedia(ENCRYPTED if is_encrypted(path) else UNREADABLE)
