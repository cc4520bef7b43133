"""What the numbers of a picture mean as colours, by FFmpeg's (and H.273's) code points."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from av.sidedata.sidedata import SideDataContainer, Type
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

_BT709 = 1
_BT470BG = 5
_SMPTE170M = 6
_UNSPECIFIED = (2, 3)
# Of chromaticities and luminances, in the order of FFmpeg's structure.
_UNITS = (50_000,) * 8 + (10_000,) * 2


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


@dataclass(frozen=True)
class ColourVolume:
    """What HDR pictures were made for (SMPTE ST 2086, CTA-861.3), in the units of H.265."""

    # x and y, in 0.00002, of red, green, blue and white; then the darkest and
    # the brightest luminance in 0.0001 cd/m2.
    mastering: tuple[tuple[int, int], ...] | None
    # The brightest pixel and the brightest frame's average, in cd/m2.
    light: tuple[int, int] | None


def colour_volume(frame: VideoFrame) -> ColourVolume | None:
    """The colour volume that a frame tells; None when it is silent."""
    # What PyAV's types call a plain dict is this.
    side_data = cast(SideDataContainer, frame.side_data)
    mastering = light = None
    if Type.MASTERING_DISPLAY_METADATA in side_data:
        mastering = _mastering(bytes(side_data[Type.MASTERING_DISPLAY_METADATA]))
    if Type.CONTENT_LIGHT_LEVEL in side_data:
        light = struct.unpack("=2I", bytes(side_data[Type.CONTENT_LIGHT_LEVEL])[:8])
    return ColourVolume(mastering, light) if mastering or light else None


def _mastering(data: bytes) -> tuple[tuple[int, int], ...] | None:
    """FFmpeg's AVMasteringDisplayMetadata: ten fractions and two flags."""
    *numbers, has_primaries, has_luminance = struct.unpack("=22i", data[:88])
    if not (has_primaries and has_luminance and all(numbers[1::2])):
        return None
    fractions = [
        Fraction(above, below) for above, below in zip(numbers[::2], numbers[1::2], strict=True)
    ]
    units = [round(each * unit) for each, unit in zip(fractions, _UNITS, strict=True)]
    return tuple(zip(units[::2], units[1::2], strict=True))
