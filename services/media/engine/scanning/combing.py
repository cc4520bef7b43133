"""Tells the teeth of two fields that differ from what else moves up and down."""

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

# By how much a sample must stand out from both of its neighbours, of 255.
_TOOTH = 12
# Columns to look at: every so manieth.
_SPARSE = 4
# How many more samples must stand out of the frame than of its fields, and at least.
_MORE = 1.5
_LEAST = 30


def is_combed(frame: VideoFrame) -> bool:
    """Whether lines stand out of a frame that do not stand out of its fields.

    Noise, fine lines and what moves up or down stand out of both alike; of two fields
    of different times every other line stands out of the frame only.
    """
    grey = frame.reformat(format="gray").to_ndarray()[:, ::_SPARSE].astype(np.int16)
    return _standing_out(grey, 1) > max(_LEAST, _MORE * _standing_out(grey, 2))


def _standing_out(grey: npt.NDArray[np.int16], step: int) -> int:
    """Samples above or below both of those so many lines away."""
    middle = grey[step:-step]
    before, after = middle - grey[: -2 * step], middle - grey[2 * step :]
    above = (before > _TOOTH) & (after > _TOOTH)
    below = (before < -_TOOTH) & (after < -_TOOTH)
    return int(np.count_nonzero(above | below))
