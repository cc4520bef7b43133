"""Looking at children from outside, for what the kernel does not limit.

The kernel's limits are for one file and for one process as a whole: neither
for a folder of many files, nor for one item of several in the same process.
A child that is stopped or hangs can say nothing, and one that was taken over
says what it likes. So all of this is read from /proc and from the folder.
"""

import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from services.media.operations import Limits
from services.media.sandbox.outcome import Failure, out_of_processor_time, too_large

SECONDS_BETWEEN_LOOKS = 0.25
"""A disk can be filled for so long beyond the quota."""
_SECONDS_OF_GRACE = 2  # SIGXCPU comes first, and says the same
_SECONDS_WITHOUT_PULSE = 60.0
_MOST_THREADS = 512
_MOST_FILES = 10_000
_BYTES_OF_AN_ENTRY = 4096
# For the log, and for what a file system allocates ahead.
_SPARE_BYTES = 1 << 20
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Pulse:
    """What /proc says of a process. `state` is a letter of proc(5), T for stopped."""

    state: str
    cpu_seconds: float
    threads: int
    resident_bytes: int


def pulse(pid: int) -> Pulse | None:
    """The pulse of a process, None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - a third of the time
            # The name, in brackets, may hold anything.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    cpu = (int(fields[11]) + int(fields[12])) / _TICKS
    return Pulse(fields[0].decode(), cpu, int(fields[17]), int(fields[21]) * _PAGE)


def open_files(pid: int) -> int:
    """How many files a process has open, 0 when there is no such process."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names are all it takes
    except OSError:
        return 0


class Watch:
    """Looks at one item in a child, which had used `cpu_seconds` when the item began."""

    def __init__(self, pid: int, scratch: Path, limits: Limits, cpu_seconds: float) -> None:
        self._pid = pid
        self._scratch = scratch
        self._limits = limits
        self._started_cpu = self._last_cpu = cpu_seconds
        self._moved_at = time.monotonic()

    def look(self) -> Failure | None:
        """What the child does that it must not, if anything. Reads files: not for the loop."""
        found = pulse(self._pid)
        if found is None:
            return None
        if found.state in "Tt":
            return Failure("was stopped from outside", retryable=True)
        if found.cpu_seconds - self._started_cpu > self._limits.cpu_seconds + _SECONDS_OF_GRACE:
            return out_of_processor_time(self._limits)
        if found.threads > _MOST_THREADS:
            return Failure(f"started more than {_MOST_THREADS} threads")
        return self._stillness(found) or self._fullness(chain(self._written(), self._deleted()))

    def last_look(self) -> Failure | None:
        """What the item left that it must not, if anything."""
        return self._fullness(self._written())

    def _fullness(self, files: Iterable[os.stat_result]) -> Failure | None:
        size = 0
        for count, found in enumerate(files):
            # Many small files fill a disk too.
            size += max(found.st_blocks * 512, _BYTES_OF_AN_ENTRY)
            if count > _MOST_FILES:
                return Failure(f"made more than {_MOST_FILES} files")
            if size > self._limits.output_bytes + _SPARE_BYTES:
                return too_large(self._limits)
        return None

    def _stillness(self, found: Pulse) -> Failure | None:
        now = time.monotonic()
        if found.cpu_seconds != self._last_cpu:
            self._last_cpu, self._moved_at = found.cpu_seconds, now
        if now - self._moved_at < _SECONDS_WITHOUT_PULSE:
            return None
        return Failure(f"did nothing for {_SECONDS_WITHOUT_PULSE:g} seconds", retryable=True)

    def _written(self) -> Iterator[os.stat_result]:
        folders = [str(self._scratch)]
        while folders:
            # What is listed may be gone, or something else, when it is looked at.
            with suppress(OSError), os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    with suppress(OSError):
                        yield entry.stat(follow_symlinks=False)

    def _deleted(self) -> Iterator[os.stat_result]:
        """Files that have no name any more and fill the disk all the same."""
        # The child's end, or a machine that does not let us look.
        with suppress(OSError):
            for name in os.listdir(f"/proc/{self._pid}/fd"):  # noqa: PTH208 - as above
                with suppress(FileNotFoundError):
                    found = os.stat(f"/proc/{self._pid}/fd/{name}")  # noqa: PTH116 - as above
                    if stat.S_ISREG(found.st_mode) and found.st_nlink == 0:
                        yield found
