"""H.264, by x264."""

from services.media.engine.encoders.hdr import x264_colour_volume
from services.media.engine.encoders.settings import Settings, field_flags, key_frame_distance
from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding

# Grey is missing: as H.264 it comes out as yuv420p from most decoders.
PIXEL_FORMATS = (
    "yuv420p",
    "yuv422p",
    "yuv444p",
    "yuv420p10le",
    "yuv422p10le",
    "yuv444p10le",
)
# Frames that the encoder may look ahead, as far as this many bytes hold them.
_LOOKAHEAD = 40
_LOOKAHEAD_BYTES = 1 << 30
# Whatever is less x264 takes for 0, as its check drops what comes after the point.
_FINEST = 1
# Of videos for browsers: a quality that is hard to tell from the source's at that size, and
# bits per second that most lines carry.
_WEB_QUALITY = 23
_WEB_BITRATE = 4_000_000


def settings(encoding: Encoding, footage: Footage) -> Settings:
    """x264 with its preset `fast`, one pass to an average bit rate, or to a quality within one."""
    deep = "10" in footage.pixel_format
    frame_bytes = footage.width * footage.height * 3 * (2 if deep else 1)
    lookahead = max(10, min(_LOOKAHEAD, _LOOKAHEAD_BYTES // frame_bytes))
    # How far the average may stray: with more, short clips end far from it.
    parameters = ["ratetol=0.1", *x264_colour_volume(footage.colour_volume)]
    if footage.field_order:
        parameters.append("bff=1" if footage.field_order == "bottom_first" else "tff=1")
    return Settings(
        "libx264",
        {
            "preset": "fast",
            # What is asked to be a key frame can be decoded without anything before it.
            "forced-idr": "1",
            "rc-lookahead": str(lookahead),
            **_rate(encoding),
            "g": str(encoding.group or key_frame_distance(footage)),
            "x264-params": ":".join(parameters),
            **field_flags(footage),
        },
    )


def _rate(encoding: Encoding) -> dict[str, str]:
    if encoding.quality is None:
        return {"b": str(encoding.bitrate)}
    # 0 would be a profile without loss that few players know.
    told = {"crf": str(encoding.quality or _FINEST)}
    if encoding.bitrate:
        told |= {"maxrate": str(encoding.bitrate), "bufsize": str(2 * encoding.bitrate)}
    return told


def web_settings(encoding: Encoding, footage: Footage) -> Settings:
    """x264 with its preset `veryfast`, to a constant quality within a bit rate."""
    return Settings(
        "libx264",
        {
            "preset": "veryfast",
            "profile": "high",
            "crf": str(_WEB_QUALITY),
            "maxrate": str(_WEB_BITRATE),
            "bufsize": str(2 * _WEB_BITRATE),
            "g": str(key_frame_distance(footage)),
        },
    )
