"""Frames that lie on one another: the last one laid down is the first to be taken."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
from av.video.frame import VideoFrame


class Stack:
    """A stack of frames in yuv420p, all of one even size. Use as a context.

    They are in a file, plain: written and read once, soon after, they cost
    little beside their decoding, and no memory that others could want.
    """

    def __init__(self, path: Path, width: int, height: int) -> None:
        self._file = path.open("w+b", buffering=0)
        self._path = path
        # As PyAV lays a frame out: luma, and below it both of chroma.
        self._shape = height * 3 // 2, width
        self._size = self._shape[0] * self._shape[1]
        self._times: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink()

    def lay(self, frame: VideoFrame) -> None:
        """Put a frame on top."""
        plain = frame.to_ndarray().reshape(-1).data
        self._file.seek(len(self._times) * self._size)
        # What is too large for one call of the system is written in several.
        while plain:
            plain = plain[self._file.write(plain) :]
        self._times.append(frame.pts or 0)

    def taken(self) -> Iterator[tuple[int, VideoFrame]]:
        """All frames, with their times in ticks, from the top; they are off the stack then."""
        plain = np.empty(self._shape, np.uint8)
        while self._times:
            time = self._times.pop()
            self._file.seek(len(self._times) * self._size)
            rest = plain.reshape(-1).data
            while rest:
                rest = rest[self._file.readinto(rest) or len(rest) :]
            yield time, VideoFrame.from_ndarray(plain, format="yuv420p")
        # What was written need never reach the disk.
        self._file.truncate(0)
