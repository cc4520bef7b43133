"""The worker's folder for temporary files: its own while it lives, and swept when it died."""

import asyncio
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

# A file that a living worker holds locked (flock(2)), in its folder. The
# kernel unlocks it when the worker ends, however it ends.
_LOCK = ".lock"
# One that was killed may take a moment to be gone when the next is there.
_SECONDS_TO_WAIT = 10.0
_SECONDS_BETWEEN_TRIES = 0.1
_FEW_FILES = 8
_FEW_BYTES = 16 << 20

log = structlog.stdlib.get_logger(__name__)


@contextmanager
def own_folder(scratch_dir: Path, name: str) -> Iterator[Path]:
    """Have an empty folder for a worker, and none of a dead worker of this machine beside it.

    Raises TimeoutError while another worker of this name lives.
    """
    folder = (scratch_dir / name).absolute()
    lock = _claim(folder)
    try:
        _empty(folder)
        for other in scratch_dir.absolute().iterdir():
            if other != folder:
                _sweep(other)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def made(folder: Path) -> None:
    """Make a folder that is not there yet: no file system takes long over that."""
    folder.mkdir(parents=True)


async def removed(folder: Path) -> None:
    """Remove a folder that may be in use no more, with all that is in it."""
    if _is_light(folder):
        # A change of threads takes longer.
        shutil.rmtree(folder, ignore_errors=True)
    else:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _is_light(folder: Path) -> bool:
    """Whether it has few files and small ones: to free a large one may take a while."""
    sizes: list[int] = []
    for parent, _, names in os.walk(folder):
        # What a child left behind may be going while we look.
        with suppress(FileNotFoundError):
            sizes += [Path(parent, name).lstat().st_size for name in names]
        if len(sizes) > _FEW_FILES:
            return False
    return sum(sizes) <= _FEW_BYTES


def _claim(folder: Path) -> int:
    """Lock a folder, which is made; returns the descriptor that holds the lock."""
    deadline = time.monotonic() + _SECONDS_TO_WAIT
    while time.monotonic() < deadline:
        folder.mkdir(parents=True, exist_ok=True)
        if (lock := _lock(folder, os.O_CREAT)) is not None:
            return lock
        time.sleep(_SECONDS_BETWEEN_TRIES)
    raise TimeoutError(f"another worker uses {folder}")


def _sweep(folder: Path) -> None:
    """Remove the folder of a worker that is dead; leave whatever is no worker's."""
    lock = _lock(folder)
    if lock is None:
        return
    log.info("swept the folder of a dead worker", worker=folder.name)
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def _lock(folder: Path, flags: int = 0) -> int | None:
    """Lock a folder, None where that cannot be: it has no lock, or somebody has locked it."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Somebody may have swept it between the two steps.
        if os.path.samestat(os.fstat(lock), os.stat(folder / _LOCK)):  # noqa: PTH116 - as above
            return lock
    except OSError:
        pass
    os.close(lock)
    return None


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name == _LOCK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink()
