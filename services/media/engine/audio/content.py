"""The MIME types of files with sound."""

from pathlib import Path

from av.container import InputContainer

from services.media.engine.audio.reading import has_film
from services.media.engine.content_types import is_webm

# By FFmpeg's names of demuxers.
_TYPES = {
    "aac": "audio/aac",
    "ac3": "audio/ac3",
    "aiff": "audio/aiff",
    "amr": "audio/amr",
    "ape": "audio/x-ape",
    "au": "audio/basic",
    "caf": "audio/x-caf",
    "dts": "audio/vnd.dts",
    "dtshd": "audio/vnd.dts.hd",
    "eac3": "audio/eac3",
    "flac": "audio/flac",
    "loas": "audio/aac",
    "mp3": "audio/mpeg",
    "mpc": "audio/x-musepack",
    "mpc8": "audio/x-musepack",
    "tta": "audio/x-tta",
    "w64": "audio/x-w64",
    "wav": "audio/wav",
    "wv": "audio/x-wavpack",
    "xwma": "audio/x-xwma",
}
# Those of films have another type where they hold sound alone.
_FILMS = {
    "asf": ("video/x-ms-asf", "audio/x-ms-wma"),
    "avi": ("video/x-msvideo", "video/x-msvideo"),
    "flv": ("video/x-flv", "video/x-flv"),
    "mpeg": ("video/mpeg", "video/mpeg"),
    "mpegts": ("video/mp2t", "video/mp2t"),
    "mxf": ("application/mxf", "application/mxf"),
    "ogg": ("video/ogg", "audio/ogg"),
    "rm": ("application/vnd.rn-realmedia", "audio/vnd.rn-realaudio"),
}
_WEBM = ("video/webm", "audio/webm")
_MATROSKA = ("video/x-matroska", "audio/x-matroska")
_MP4 = ("video/mp4", "audio/mp4")
# By the beginning of the brand; what is neither is MP4.
_BRANDS = {
    "qt": ("video/quicktime", "video/quicktime"),
    "3gp": ("video/3gpp", "audio/3gpp"),
    "3g2": ("video/3gpp2", "audio/3gpp2"),
}


def content_type(path: Path, container: InputContainer) -> str:
    """The MIME type of an open file; application/octet-stream where none is in use."""
    name = container.format.name
    if name in _TYPES:
        return _TYPES[name]
    if name.startswith("matroska"):
        types = _WEBM if is_webm(path) else _MATROSKA
    elif name.startswith("mov"):
        brand = container.metadata.get("major_brand", "qt")
        types = next((each for key, each in _BRANDS.items() if brand.startswith(key)), _MP4)
    else:
        types = _FILMS.get(name, ("application/octet-stream",) * 2)
    return types[0] if has_film(container) else types[1]
