"""Files that another process reads by itself."""

import os
from pathlib import Path

import pytest

from services.chassis.lending import LentFile, next_step

SIZE = 5 * 2**20
BYTES = os.urandom(SIZE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "with space, \u00fc, 100%"
    path.write_bytes(BYTES)
    return path


async def read(lent: LentFile) -> bytes:
    """Return what is read of it."""
    descriptor = lent.borrow()
    assert descriptor is not None
    try:
        return b"".join([chunk async for chunk in lent.read(descriptor)])
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(("start", "end"), [(0, SIZE), (1, SIZE - 1), (SIZE - 1, SIZE), (7, 7)])
async def test_the_part_is_read_that_was_lent(path: Path, start: int, end: int) -> None:
    lent = LentFile.parse(str(LentFile.of(path, start, end)))
    assert str(LentFile.of(path, start, end)).isascii()
    assert await read(lent) == BYTES[start:end]


def test_what_is_not_there_is_not_lent(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LentFile.of(tmp_path / "none", 0, 1)


def test_another_file_is_not_borrowed(path: Path, tmp_path: Path) -> None:
    lent = LentFile.of(path, 0, SIZE)
    data = path.read_bytes()
    path.unlink()
    assert lent.borrow() is None
    (tmp_path / "copy").write_bytes(data)
    (tmp_path / "copy").rename(path)
    assert lent.borrow() is None
    path.unlink()
    os.mkfifo(path)
    assert lent.borrow() is None
    path.unlink()
    path.mkdir()
    assert lent.borrow() is None


async def test_a_file_that_became_shorter_is_no_end(path: Path) -> None:
    lent = LentFile.of(path, 0, SIZE)
    descriptor = lent.borrow()
    assert descriptor is not None
    os.truncate(path, 2**20)
    with pytest.raises(OSError, match="shorter"):
        async for _ in lent.read(descriptor):
            pass
    os.close(descriptor)


@pytest.mark.parametrize("text", ["", "1:2:3:4", "1:2:3:4 a 5 /x", "1:2:3:4 1 5 /x y"])
def test_nonsense_is_not_parsed(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        LentFile.parse(text)


def test_slow_readers_get_less_at_a_time() -> None:
    assert next_step(1, 4, 2**20, 0.001) == 4
    assert next_step(1, 4, 2**20, 1.0) == 1
