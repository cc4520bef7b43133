"""Opens a stranger's video file, and nothing but that file."""

from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from services.media.engine.cutoff import is_known_container
from services.media.engine.failure import BadMedia

# Demuxers of films, by FFmpeg's names. Left out on purpose: whatever names
# other files or addresses (hls, dash, concat, sdp, imf), pictures (image2,
# the *_pipe family, gif) and sound alone.
FORMATS = (
    "asf,av1,avi,dv,flv,gxf,h264,hevc,ivf,m4v,matroska,mov,mpeg,mpegts,mpegvideo,mxf,nut,obu,"
    "ogg,rm,vc1,vvc,webm,wtv,yuv4mpegpipe"
)

MAX_PIXELS = 8192 * 8192
MAX_SECONDS = 24 * 3600
MAX_STREAMS = 100

# Still pictures in an ISO file look like films of one frame.
_PICTURE_BRANDS = {"avif", "heic", "heix", "heif", "heim", "heis", "mif1", "miaf", "jpeg"}

NOT_A_VIDEO = "The file is not a video in a format that can be read."


def open_video(path: Path) -> InputContainer:
    """Open a file as a video, deciding the format from its bytes.

    Raises BadMedia when it is none, or is larger than what is taken in.
    """
    if path.stat().st_size == 0:
        raise BadMedia("The file is empty.")
    try:
        container = av.open(
            f"file:{path.absolute()}",
            options={
                "format_whitelist": FORMATS,
                "protocol_whitelist": "file",
                "max_streams": str(MAX_STREAMS),
            },
            metadata_errors="replace",
        )
    except (av.error.MemoryError, av.error.PermissionError, av.error.FileNotFoundError):
        raise
    except av.error.FFmpegError as error:
        if is_known_container(path):
            raise BadMedia(
                "The file is damaged or cut off: its contents cannot be found."
            ) from error
        raise BadMedia(NOT_A_VIDEO) from error
    try:
        _check(container)
    except BaseException:
        container.close()
        raise
    return container


def video_stream(container: InputContainer) -> VideoStream:
    """The stream that a player would show. Raises BadMedia when there is none.

    Cover art and the tiles of still pictures are not video.
    """
    if container.metadata.get("major_brand", "").strip() in _PICTURE_BRANDS:
        raise BadMedia("The file is a picture, not a video.")
    stills = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
    shown = [stream for stream in container.streams.video if not stream.disposition & stills]
    if not shown:
        raise BadMedia("The file holds no video.")
    best = container.streams.best("video")
    stream = next((each for each in shown if each is best or each == best), shown[0])
    # An unknown codec leaves the stream without a context.
    if stream.codec_context is None:
        raise BadMedia("The file's video is in a codec that cannot be read.")
    return stream


def _check(container: InputContainer) -> None:
    stream = video_stream(container)
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        raise BadMedia(
            f"A picture of {width} x {height} pixels is larger than what can be handled."
        )
    if not width or not height or stream.codec_context.pix_fmt is None:
        raise BadMedia("The file is damaged or cut off: none of its frames can be read.")
