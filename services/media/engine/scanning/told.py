"""How a video says that it is scanned: in its headers, else in its first frame."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from services.media.engine.filters.native import Step, filtered
from services.media.engine.reading import open_video, video_stream


@dataclass(frozen=True)
class Scanning:
    """How pictures are scanned."""

    # progressive, interlaced or unknown
    kind: str
    # top_first or bottom_first, when interlaced
    field_order: str | None = None


UNKNOWN = Scanning("unknown")
PROGRESSIVE = Scanning("progressive")

# By FFmpeg's AVFieldOrder. The mixed orders store lines of both fields in
# turn; their name tells whose come first in time, as cameras write it.
_HEADERS = {
    1: PROGRESSIVE,
    2: Scanning("interlaced", "top_first"),
    3: Scanning("interlaced", "bottom_first"),
    4: Scanning("interlaced", "top_first"),
    5: Scanning("interlaced", "bottom_first"),
}
# Codecs that know no fields, and those whose every frame tells of its own.
_WITHOUT_FIELDS = {"av1", "flv1", "h263", "theora", "vp8", "vp9", "wmv1", "wmv2"}
_TOLD_BY_FRAMES = {
    *("cfhd", "dnxhd", "dvvideo", "ffv1", "hevc", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4"),
    *("prores", "vc1", "vvc", "wmv3"),
}
_TOP_FIRST: Step = ("select", {"expr": r"eq(interlace_type\,TOPFIRST)"})


def told_scanning(path: Path, stream: VideoStream) -> Scanning:
    """What a file says of its video's scanning; `stream` is that of the open file."""
    context = stream.codec_context
    codec = context.codec.canonical_name
    if context.field_order in _HEADERS:
        return _HEADERS[context.field_order]
    if codec in _WITHOUT_FIELDS:
        return PROGRESSIVE
    return _scanning_of_first_frame(path) if codec in _TOLD_BY_FRAMES else UNKNOWN


def _scanning_of_first_frame(path: Path) -> Scanning:
    with open_video(path) as container, suppress(av.error.FFmpegError):
        for frame in container.decode(video_stream(container)):
            if not frame.interlaced_frame:
                return PROGRESSIVE
            return Scanning("interlaced", "top_first" if _top_first(frame) else "bottom_first")
    return UNKNOWN


def _top_first(frame: VideoFrame) -> bool:
    """PyAV does not say which field comes first, but FFmpeg's filters know."""
    return bool(list(filtered(iter([frame]), lambda _: [_TOP_FIRST], frame.colorspace)))
