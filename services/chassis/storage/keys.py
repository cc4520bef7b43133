"""What keys look like, and what trouble with a storage is called."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from obstore.exceptions import BaseError

from services.chassis.errors import Invalid, NotFound, Unavailable

CHUNK = 2**20
"""Bytes in one chunk of `Storage.read`."""

# The letters that every store spells the same; it also keeps `..` and temporary files out.
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


@dataclass(frozen=True)
class Entry:
    """A stored object as listed: size in bytes, time of the last write in UTC."""

    key: str
    size: int
    modified: datetime


def checked(key: str) -> str:
    """Return the key. Raises Invalid for one that not every store can have."""
    if not _KEY.fullmatch(key):
        raise Invalid(f"Not a storage key: {key!r}.")
    return key


def unavailable() -> Unavailable:
    """Return the error that says that the storage does not do what it should."""
    return Unavailable("The storage is not available.", retry_after=1.0)


@contextmanager
def named_errors(key: str) -> Iterator[None]:
    """Turn what a store raises into NotFound and Unavailable."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"There is nothing stored at {key}.") from error
    except (BaseError, OSError) as error:
        raise unavailable() from error
