"""hqdn3d: a low-pass filter along lines, down columns and through time.

After vf_hqdn3d of FFmpeg, by Daniel Moreno and Loren Merritt, which the build
of FFmpeg that PyAV brings lacks. It gives the same numbers to the bit.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from services.media.engine.filters.planes import Plane, planes

Table = npt.NDArray[np.int16]
History = npt.NDArray[np.uint16]

FORMATS = tuple(
    f"yuv{subsampling}p{depth}"
    for subsampling, depths in {
        "410": ("",),
        "411": ("",),
        "420": ("", "9le", "10le", "12le", "14le", "16le"),
        "422": ("", "9le", "10le", "12le", "14le", "16le"),
        "440": ("", "10le", "12le"),
        "444": ("", "9le", "10le", "12le", "14le", "16le"),
    }.items()
    for depth in depths
)


@dataclass(frozen=True)
class Strength:
    """How much is smoothed, in space and in time; more than 0, which means the usual to FFmpeg."""

    luma_spatial: float = 4.0
    chroma_spatial: float = 3.0
    luma_temporal: float = 6.0
    chroma_temporal: float = 4.5


def denoised(
    frames: Iterator[VideoFrame], strength: Strength | None = None
) -> Iterator[VideoFrame]:
    """Frames, of one of `FORMATS`, with less noise; the memory of a change of size is lost."""
    strength = strength or Strength()
    kind, memories = None, []
    for frame in frames:
        # Decoders still look at what they have given out.
        frame.make_writable()
        bits = frame.format.components[0].bits
        current = planes(frame)
        if kind != (frame.width, frame.height, frame.format.name):
            kind = frame.width, frame.height, frame.format.name
            memories = [
                _Memory.of(plane, bits, *_strengths(strength, is_luma=index == 0))
                for index, plane in enumerate(current)
            ]
        for plane, memory in zip(current, memories, strict=True):
            memory.denoise(plane)
        yield frame


def _strengths(strength: Strength, *, is_luma: bool) -> tuple[float, float]:
    if is_luma:
        return strength.luma_spatial, strength.luma_temporal
    return strength.chroma_spatial, strength.chroma_temporal


@dataclass
class _Memory:
    """What the filter knows of one plane: all in 16 bits, whatever the samples have."""

    spatial: Table
    temporal: Table
    # The frame before, filtered.
    before: History
    # By how many bits samples are fewer than 16, and differences coarser in tables.
    widening: int
    coarsening: int

    @classmethod
    def of(cls, plane: Plane, bits: int, spatial: float, temporal: float) -> "_Memory":
        widening = 16 - bits
        before = (plane.astype(np.uint16) << widening) + (((1 << widening) - 1) >> 1)
        lut_bits = 8 if bits == 16 else 4
        return cls(
            _table(spatial, lut_bits),
            _table(temporal, lut_bits),
            before.astype(np.uint16),
            widening,
            8 - lut_bits,
        )

    def denoise(self, plane: Plane) -> None:
        """Filter a plane in place, and remember it."""
        # Getting the kernel takes a second and 100 MB: only who denoises does.
        from services.media.engine.filters.hqdn3d_kernel import denoise

        denoise(plane, self.before, self.spatial, self.temporal, self.widening, self.coarsening)


def _table(strength: float, lut_bits: int) -> Table:
    """By how much a value moves towards one that differs by so much; small steps move most."""
    strength = min(strength, 252.0)
    gamma = math.log(0.25) / math.log(1.0 - strength / 255.0 - 0.00001)
    steps = np.arange(-(256 << lut_bits), 256 << lut_bits)
    # The middle of each bin.
    differences = ((steps << (9 - lut_bits)) + (1 << (8 - lut_bits)) - 1) / 512.0
    likeness = np.maximum(0, 1.0 - np.abs(differences) / 255.0)
    return np.rint(likeness**gamma * 256.0 * differences).astype(np.int16)
