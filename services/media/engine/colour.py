"""What the numbers of a picture mean as colours, by FFmpeg's (and H.273's) code points."""

from dataclasses import dataclass

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

_BT709 = 1
_BT470BG = 5
_SMPTE170M = 6
_UNSPECIFIED = (2, 3)


@dataclass(frozen=True)
class Colour:
    """How samples stand for colours: range, matrix, transfer and primaries."""

    full_range: bool
    matrix: int
    transfer: int
    primaries: int


def stored_colour(frame: VideoFrame) -> Colour:
    """The colours to store a frame's picture in.

    They are the frame's own. A matrix that the file leaves out is the one that
    players take for a picture of that size: said aloud, it survives scaling to
    a size for which they would take another. RGB becomes limited-range YUV.
    """
    matrix = frame.colorspace
    if frame.format.is_rgb or matrix in _UNSPECIFIED:
        matrix = _usual_matrix(frame.width, frame.height)
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    return Colour(
        full_range=full and not frame.format.is_rgb,
        matrix=matrix,
        transfer=frame.color_trc,
        primaries=frame.color_primaries,
    )


def _usual_matrix(width: int, height: int) -> int:
    if width >= 1280 or height > 576:
        return _BT709
    return _BT470BG if height in (576, 288) else _SMPTE170M
