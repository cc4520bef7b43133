"""Frames that lie on one another: the last one laid down is the first to be taken."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
from av.video.frame import VideoFrame

# Of frames that are in memory; a window of a phone's or a camera's video mostly fits.
_MEMORY_BYTES = 64 << 20


class Stack:
    """A stack of frames in yuv420p, all of one even size. Use as a context.

    Those laid down last are in memory, the others plain in a file: written and
    read once, they cost little beside their decoding.
    """

    def __init__(self, path: Path, width: int, height: int) -> None:
        self._file = path.open("w+b")
        self._path = path
        # As PyAV lays a frame out: luma, and below it both of chroma.
        self._shape = height * 3 // 2, width
        self._size = self._shape[0] * self._shape[1]
        self._held = max(1, _MEMORY_BYTES // self._size)
        self._frames: deque[tuple[int, VideoFrame]] = deque()
        # The times of those in the file.
        self._filed: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink()

    def lay(self, frame: VideoFrame) -> None:
        """Put a frame on top."""
        self._frames.append((frame.pts or 0, frame))
        if len(self._frames) > self._held:
            time, below = self._frames.popleft()
            self._file.seek(len(self._filed) * self._size)
            self._file.write(below.to_ndarray().data)
            self._filed.append(time)

    def taken(self) -> Iterator[tuple[int, VideoFrame]]:
        """All frames, with their times in ticks, from the top; they are off the stack then."""
        while self._frames:
            yield self._frames.pop()
        while self._filed:
            time = self._filed.pop()
            self._file.seek(len(self._filed) * self._size)
            plain = np.frombuffer(self._file.read(self._size), np.uint8).reshape(self._shape)
            yield time, VideoFrame.from_ndarray(plain, format="yuv420p")
        # What was written need never reach the disk.
        self._file.truncate(0)
