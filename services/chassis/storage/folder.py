"""Drafts as files: `KEY#NUMBER` beside the place where the object will be."""

import asyncio
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from services.chassis.storage.drafts import Stored
from services.chassis.storage.keys import CHUNK, Entry, unavailable

# A disk that is slower than the sender has at most this much to catch up with in the end.
_UNSYNCED_BYTES = 64 * 2**20
# Names that the listings of the library leave out: a number sign, then digits.
_NUMBERS = 10**18
_TRIES = 5

P = ParamSpec("P")
T = TypeVar("T")


class FolderDraft:
    """An object on its way into a folder; see `drafts.Draft`. `state` is the file's number."""

    def __init__(self, folder: Path, key: str, state: str, size: int) -> None:
        self._folder, self._path = folder, folder / key
        self._number = state or str(secrets.randbelow(_NUMBERS))
        self._part = self._path.with_name(f"{self._path.name}#{self._number}")
        self._begun = bool(state)
        self._size = size
        self._written = self._synced = size
        self._file: BinaryIO | None = None

    @property
    def size(self) -> int:
        return self._size

    @property
    def state(self) -> str:
        return self._number

    async def append(self, chunk: bytes) -> None:
        with _trouble():
            await uncut(self._append, chunk)

    async def keep(self) -> None:
        with _trouble():
            await uncut(self._keep)

    async def finish(self) -> None:
        with _trouble():
            await uncut(self._finish)

    async def discard(self) -> None:
        await self.close()
        with _trouble():
            await uncut(self._part.unlink, missing_ok=True)

    async def close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            # Closing writes what is left, for which there may be no room.
            with suppress(OSError):
                await uncut(file.close)

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self._file = self._open()
            # What a killed process wrote after it last kept something counts for nothing.
            self._file.truncate(self._size)
            self._file.seek(self._size)
        return self._file

    def _open(self) -> BinaryIO:
        if self._begun:
            return self._part.open("r+b")
        for _ in range(_TRIES):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Somebody who deletes the last object of a folder deletes the folder too.
            with suppress(FileNotFoundError):
                return self._part.open("xb")
        raise OSError(f"no file can be made in {self._path.parent}")

    def _append(self, chunk: bytes) -> None:
        self._opened().write(chunk)
        self._written += len(chunk)
        if self._written - self._synced >= _UNSYNCED_BYTES:
            self._sync()

    def put(self, whole: bytes) -> None:
        """Make these bytes the object, as `append` and `finish` do. Raises OSError."""
        try:
            self._append(whole)
            self._finish()
        except OSError:
            self._part.unlink(missing_ok=True)
            raise
        finally:
            if self._file is not None:
                self._file.close()

    def _keep(self) -> None:
        self._sync()
        if not self._begun:
            _sync_folders(self._path.parent, self._folder)
            self._begun = True
        self._size = self._written

    def _finish(self) -> None:
        self._sync()
        if self._part.stat().st_size != self._written:
            raise OSError(f"{self._part} is not as long as what was written")
        self._part.replace(self._path)
        _sync_folders(self._path.parent, self._folder)
        self._size = self._written

    def _sync(self) -> None:
        file = self._opened()
        file.flush()
        os.fsync(file.fileno())
        self._synced = self._written


async def put_small(folder: Path, key: str, path: Path) -> Stored | None:
    """Store a copy of a local file at one go; None for a file that is not small.

    Every change of threads takes longer than what is done there. Raises `errors.Unavailable`.
    """
    return await uncut(_put_small, folder, key, path)


def _put_small(folder: Path, key: str, path: Path) -> Stored | None:
    with path.open("rb") as file:
        whole = file.read(CHUNK + 1)
    if len(whole) > CHUNK:
        return None
    with _trouble():
        FolderDraft(folder, key, "", 0).put(whole)
    return Stored(len(whole), hashlib.sha256(whole).hexdigest())


def facts_of(folder: Path, key: str) -> Entry:
    """Return what is known of an object. Raises FileNotFoundError."""
    try:
        facts = (folder / key).stat()
    except NotADirectoryError as error:
        raise FileNotFoundError(key) from error
    if not stat.S_ISREG(facts.st_mode):
        raise FileNotFoundError(key)
    return Entry(key, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))


def part_at_hand(path: Path, start: int, length: int) -> bytes | None:
    """Return so many bytes of a file where no disk is waited for; None where one would be."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        part = bytearray(length)
        read = os.preadv(descriptor, [part], start, os.RWF_NOWAIT)
    except OSError as error:
        # Not in memory, or on a file system that does not know.
        if error.errno not in (errno.EAGAIN, errno.EOPNOTSUPP):
            raise
        return None
    finally:
        os.close(descriptor)
    return bytes(part) if read == length else None


def part_of(path: Path, start: int, length: int) -> bytes:
    """Return so many bytes of a file, from one on. Raises OSError when it has not as many."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        part = os.pread(descriptor, length, start)
    finally:
        os.close(descriptor)
    if len(part) < length:
        raise OSError(f"{path} ends before {start + length} bytes")
    return part


async def uncut(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread, to its end however often the caller is cancelled meanwhile."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    cancellation: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError as error:
            cancellation = error
    if cancellation is None:
        return running.result()
    if not running.cancelled():
        running.exception()  # nobody else asks for it
    raise cancellation


def parts_below(folder: Path, prefix: str) -> Iterator[Entry]:
    """Yield the drafts under the folder `prefix` as entries with the keys they are for."""
    for parent, _, names in os.walk(folder / prefix):
        for part in (Path(parent, name) for name in names if "#" in name):
            with suppress(FileNotFoundError):
                facts = part.stat()
                key = str(part.relative_to(folder)).partition("#")[0]
                yield Entry(key, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))


def delete_parts(path: Path) -> None:
    """Delete the drafts of the object at `path`."""
    for part in path.parent.glob(f"{path.name}#*"):
        part.unlink(missing_ok=True)


def _sync_folders(folder: Path, top: Path) -> None:
    """Have the names of files, and of folders that are new, outlast the machine's power."""
    while True:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
        if folder == top:
            return
        folder = folder.parent


@contextmanager
def _trouble() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unavailable() from error
