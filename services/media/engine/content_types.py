"""The MIME types of video files, and of pictures that move."""

from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

_UNKNOWN = "application/octet-stream"
# By FFmpeg's names of demuxers; those of codecs are for bare streams.
_TYPES = {
    "asf": "video/x-ms-asf",
    "av1": "video/av1",
    "avi": "video/x-msvideo",
    "dv": "video/dv",
    "flv": "video/x-flv",
    "gif": "image/gif",
    "gxf": "application/gxf",
    "h264": "video/h264",
    "hevc": "video/h265",
    "ivf": "video/x-ivf",
    "m4v": "video/mp4v-es",
    "mpeg": "video/mpeg",
    "mpegts": "video/mp2t",
    "mpegvideo": "video/mpeg",
    "mxf": "application/mxf",
    "nut": "video/x-nut",
    "obu": "video/av1",
    "ogg": "video/ogg",
    "rm": "application/vnd.rn-realmedia",
    "vc1": "video/vc1",
    "vvc": "video/h266",
    "wtv": "video/x-ms-wtv",
    "yuv4mpegpipe": "video/x-yuv4mpeg",
}
# By the beginning of the brand of an ISO file, which old films of QuickTime have not. The rest is
# MP4.
_BRANDS = {
    "qt": "video/quicktime",
    "3gp": "video/3gpp",
    "3g2": "video/3gpp2",
    "mjp2": "video/mj2",
}
# The codecs that make of an ASF file what is known as WMV.
_WINDOWS_MEDIA = {"vc1", "wmv1", "wmv2", "wmv3"}
# Where an EBML file says which of the Matroska family it is.
_DOCUMENT_TYPE_BYTES = 128


def content_type(path: Path, container: InputContainer, stream: VideoStream) -> str:
    """The MIME type of an open file whose video is `stream`."""
    name = container.format.name
    if name.startswith("matroska"):
        return "video/webm" if is_webm(path) else "video/x-matroska"
    if name.startswith("mov"):
        brand = container.metadata.get("major_brand", "qt")
        known = (each for start, each in _BRANDS.items() if brand.startswith(start))
        return next(known, "video/mp4")
    if name == "asf" and stream.codec_context.codec.canonical_name in _WINDOWS_MEDIA:
        return "video/x-ms-wmv"
    return _TYPES.get(name, _UNKNOWN)


def is_webm(path: Path) -> bool:
    """Which of its family a file of Matroska's says it is."""
    with path.open("rb") as file:
        return b"webm" in file.read(_DOCUMENT_TYPE_BYTES)
