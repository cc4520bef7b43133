"""What an account's output files are, typed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True)
class StoredFile:
    """An output file: its path below the listed one, and its size in bytes."""

    name: str
    size: int
    last_modified: datetime


@dataclass(frozen=True)
class Listing:
    """Files and folders, and how many bytes the files take."""

    files: tuple[StoredFile, ...]
    directories: tuple[str, ...]
    usage: int

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Return the listing that a JSON object is."""
        files = (
            StoredFile(each["name"], each["size"], datetime.fromisoformat(each["last_modified"]))
            for each in content["files"]
        )
        return cls(tuple(files), tuple(content["directories"]), content["usage"])


@dataclass(frozen=True)
class Deletion:
    """The paths that were deleted, the bytes that they took, and the bytes still stored."""

    deleted: tuple[str, ...]
    freed: int
    usage: int

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Return the deletion that a JSON object tells of."""
        return cls(tuple(content["deleted"]), content["freed"], content["usage"])
