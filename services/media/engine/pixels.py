"""What the name of a pixel format says."""

from dataclasses import dataclass

from av.video.format import VideoFormat

# By how many luma samples share one of chroma, across and down.
_SUBSAMPLING = {
    (1, 1): "4:4:4",
    (1, 2): "4:4:0",
    (2, 1): "4:2:2",
    (2, 2): "4:2:0",
    (4, 1): "4:1:1",
    (4, 4): "4:1:0",
}


@dataclass(frozen=True)
class Pixels:
    """A pixel format, by FFmpeg's name."""

    name: str
    # For example 4:2:0; None for RGB, grey and palettes.
    subsampling: str | None
    # Bits of one sample of luma, or of the first component.
    bits: int


def describe(name: str) -> Pixels:
    """What FFmpeg's pixel format of that name holds."""
    # A size that every subsampling divides.
    side = 64
    pixel_format = VideoFormat(name, side, side)
    components = [each for each in pixel_format.components if not each.is_alpha]
    subsampling = None
    if len(components) == 3 and not pixel_format.is_rgb:
        shared = side // pixel_format.chroma_width(), side // pixel_format.chroma_height()
        subsampling = _SUBSAMPLING.get(shared)
    return Pixels(name, subsampling, components[0].bits)
