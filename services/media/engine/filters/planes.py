"""The samples of frames as arrays."""

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

Plane = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
"""Rows of samples, which lie in the frame's own memory."""


def planes(frame: VideoFrame) -> list[Plane]:
    """The planes of a frame in a planar format of 8 to 16 bits."""
    kind = np.dtype(np.uint16 if frame.format.components[0].bits > 8 else np.uint8)
    return [
        np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)[:, : plane.width]
        for plane in frame.planes
    ]
