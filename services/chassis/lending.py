"""Files that a process on the same machine reads by itself instead of having their bytes sent.

One process offers a part of a file: where it lies, and what tells it from all other files. Another
that finds that very file there may read it; one on another machine, or without the right to, does
not find it, and has the bytes sent. Nothing has to be set.
"""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Self
from urllib.parse import quote, unquote

# What is read waits for the reader: a slow one has less lie about for it.
_SLOW_STEP, _FAST_STEP = 2**18, 2**20
_FAST_BYTES_A_SECOND = 256 * 2**20


def next_step(slow: int, fast: int, taken: int, seconds: float) -> int:
    """How many bytes to read next for a reader that took the last ones in so many seconds."""
    return fast if taken > seconds * _FAST_BYTES_A_SECOND else slow


@dataclass(frozen=True)
class LentFile:
    """Bytes `start` (included) to `end` (excluded) of a file that is not written any more."""

    path: Path
    mark: str
    start: int
    end: int

    @classmethod
    def of(cls, path: Path, start: int, end: int) -> Self:
        """Raises OSError when there is no such file."""
        return cls(path, _mark(path.stat()), start, end)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote. Raises ValueError for anything else."""
        mark, start, end, path = text.split(" ")
        return cls(Path(unquote(path)), mark, int(start), int(end))

    def __str__(self) -> str:
        return f"{self.mark} {self.start} {self.end} {quote(str(self.path))}"

    def borrow(self) -> int | None:
        """Open the file if this process sees the same one; return the descriptor."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return None
        facts = os.fstat(descriptor)
        if stat.S_ISREG(facts.st_mode) and _mark(facts) == self.mark:
            return descriptor
        os.close(descriptor)
        return None

    async def read(self, descriptor: int) -> AsyncIterator[bytes]:
        """Yield the bytes in chunks of up to 1 MiB. Raises OSError when they cannot be read."""
        at, step = self.start, _SLOW_STEP
        while at < self.end:
            chunk = await asyncio.to_thread(os.pread, descriptor, min(step, self.end - at), at)
            if not chunk:
                raise OSError(f"{self.path} has become shorter")
            at += len(chunk)
            handed_over = monotonic()
            yield chunk
            step = next_step(_SLOW_STEP, _FAST_STEP, len(chunk), monotonic() - handed_over)


def _mark(facts: os.stat_result) -> str:
    """What no two files of one machine share, and few of two machines."""
    return f"{facts.st_dev}:{facts.st_ino}:{facts.st_size}:{facts.st_mtime_ns}"
