"""The one door to stored bytes: a local folder or an S3 bucket, by URL."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Stored:
    """What was written: size in bytes and SHA-256 in lower-case hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """A stored object as listed: size in bytes, time of the last write in UTC."""

    key: str
    size: int
    modified: datetime


class Storage:
    """Objects by key (`a/b/c`); whole or absent, never half."""

    def __init__(self, url: str) -> None:
        raise NotImplementedError

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> Stored:
        """Store what `chunks` yields; visible only when whole, replacing what was there."""
        raise NotImplementedError

    async def put_file(self, key: str, path: Path) -> Stored:
        """Store a copy of a local file."""
        raise NotImplementedError

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield bytes `start` (included) to `end` (excluded) in chunks of up to 1 MiB."""
        raise NotImplementedError

    async def fetch(self, key: str, path: Path) -> None:
        """Copy an object to a local file."""
        raise NotImplementedError

    def local_path(self, key: str) -> Path | None:
        """Where the object lies as a local file; None when the storage is not a folder."""
        raise NotImplementedError

    async def delete(self, key: str) -> None:
        """Delete an object; a missing one is fine."""
        raise NotImplementedError

    def list(self, prefix: str) -> AsyncIterator[Entry]:
        """Yield the objects whose key begins with the folder `prefix`."""
        raise NotImplementedError

    async def exists(self, key: str) -> bool:
        """Whether an object is there."""
        raise NotImplementedError
