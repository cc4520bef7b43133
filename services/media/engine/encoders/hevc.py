"""HEVC, by x265."""

from services.media.engine.encoders.hdr import x265_colour_volume
from services.media.engine.encoders.settings import Settings, key_frame_distance
from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding

# Progressive only: x265 has no coding of fields that players would put together again.
PIXEL_FORMATS = tuple(
    f"yuv{sampling}p{depth}" for depth in ("", "10le", "12le") for sampling in ("420", "422", "444")
)


def settings(encoding: Encoding, footage: Footage) -> Settings:
    """x265 with its preset `fast`, one pass to a bit rate that each second has."""
    distance, kilobits = key_frame_distance(footage), max(1, encoding.bitrate // 1000)
    parameters = [
        "log-level=error",
        f"keyint={distance}",
        # Players can start at every key frame.
        "open-gop=0",
        # Left alone, x265 strays by a third on short clips: a second's buffer holds it.
        f"vbv-maxrate={kilobits}",
        f"vbv-bufsize={kilobits}",
        "vbv-init=0.7",
        *x265_colour_volume(footage.colour_volume),
    ]
    return Settings(
        "libx265",
        {
            "preset": "fast",
            # What is asked to be a key frame can be decoded without anything before it.
            "forced-idr": "1",
            "b": str(encoding.bitrate),
            "x265-params": ":".join(parameters),
        },
        # Apple's players know HEVC by no other name.
        tag="hvc1" if encoding.container in ("mov", "mp4") else "",
    )
