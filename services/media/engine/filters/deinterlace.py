"""Makes whole pictures of fields."""

from collections.abc import Iterator
from fractions import Fraction

from av.video.frame import VideoFrame

from services.media.engine.failure import BadMedia
from services.media.engine.filters.native import Step, filtered
from services.media.engine.filters.times import Ends

# weston3f is the BBC's filter, after Martin Weston.
_FILTERS = {
    "yadif": ("yadif", {"mode": "send_frame", "deint": "all"}),
    "bwdif": ("bwdif", {"mode": "send_field", "deint": "all"}),
    "weston3f": ("w3fdif", {"mode": "field", "filter": "complex", "deint": "all"}),
}
_PARITIES = {"top_first": "tff", "bottom_first": "bff", "": "auto"}
# Frames that a filter looks at on either side.
NEIGHBOURS = 1
_LEAST_SIDE = 4


def doubles_rate(deinterlacer: str) -> bool:
    """Whether a frame is made of every field, and not of every two."""
    return deinterlacer in ("bwdif", "weston3f")


def deinterlaced(
    frames: Iterator[VideoFrame], deinterlacer: str, field_order: str, usual: Fraction, matrix: int
) -> Iterator[VideoFrame]:
    """Progressive pictures of interlaced ones, by yadif, bwdif or weston3f.

    `field_order` is top_first, bottom_first, or empty for what each frame says.
    `usual` is how long a frame is shown, in seconds. At the ends, where bwdif by
    itself looks no further than into one field, frames find others beside them.
    Raises BadMedia for pictures too small.
    """
    name, options = _FILTERS[deinterlacer]

    def steps(frame: VideoFrame) -> list[Step]:
        if min(frame.width, frame.height) < _LEAST_SIDE:
            size = f"{frame.width} x {frame.height}"
            raise BadMedia(f"A picture of {size} pixels is too small to be deinterlaced.")
        return [(name, {**options, "parity": _PARITIES[field_order]})]

    ends = Ends(usual)
    yield from ends.take_off(filtered(ends.mirrored(frames), steps, matrix))
