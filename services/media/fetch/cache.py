"""Brings a source once for several items that want it at about the same time."""

import asyncio
import errno
import itertools
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from services.chassis.outside import Policy
from services.media.fetch.download import Fetched, OnProgress, fetch

SECONDS_KEPT = 600.0
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.EXDEV, errno.EMLINK})

# An account's copies are its own: what an address gives it may be meant for it alone.
_Key = tuple[str, str]


@dataclass
class _Copy:
    path: Path
    fetched: Fetched
    used_at: float


@dataclass
class _Flight:
    """A download under way, and those who wait for it."""

    task: asyncio.Task[_Copy] | None = None
    listeners: dict[object, OnProgress] = field(default_factory=dict)

    def tell(self, part: float) -> None:
        for listener in self.listeners.values():
            listener(part)


class SourceCache:
    """Sources of the last minutes, in a folder of its own, `max_bytes` of them.

    Items that want the same address of the same account at once share one
    download. Later ones ask the server whether the file has changed; without
    its word no copy is used. The least recently used make room, and an answer
    marked `no-store` goes only to those who wait for it already.
    """

    def __init__(
        self, folder: Path, policy: Policy, max_bytes: int, seconds_kept: float = SECONDS_KEPT
    ) -> None:
        self._folder = folder
        self._policy = policy
        self._max_bytes = max_bytes
        self._seconds_kept = seconds_kept
        self._names = itertools.count()
        # The least recently used first.
        self._copies: dict[_Key, _Copy] = {}
        self._flights: dict[_Key, _Flight] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def bring(
        self, account_id: str, url: str, target: Path, on_progress: OnProgress
    ) -> Fetched:
        """Have what an address holds as the read-only file `target`, perhaps a hard link.

        `on_progress` takes the part done, 0 to 1. Raises OutsideRefused or OutsideFailed.
        """
        key, me = (account_id, url), object()
        flight = self._flights.setdefault(key, _Flight())
        if flight.task is None:
            flight.task = asyncio.create_task(self._refreshed(key, flight.tell))
        flight.listeners[me] = on_progress
        try:
            copy = await asyncio.shield(flight.task)
            await _hand_out(copy.path, target)
            return copy.fetched
        finally:
            del flight.listeners[me]
            if not flight.listeners:
                del self._flights[key]
                if not flight.task.done():
                    flight.task.cancel()
                    await asyncio.wait([flight.task])
                self._land(key, flight.task)

    async def _refreshed(self, key: _Key, tell: OnProgress) -> _Copy:
        """A copy of what the address holds now."""
        old = self._copies.get(key)
        known = old.fetched.headers if old else None
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / str(next(self._names))
        try:
            fetched = await fetch(key[1], path, policy=self._policy, on_progress=tell, known=known)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        if fetched is None and old:
            return old
        assert fetched is not None  # noqa: S101 - without a copy nothing is known
        path.chmod(0o444)
        return _Copy(path, fetched, used_at=0)

    def _land(self, key: _Key, task: asyncio.Task[_Copy]) -> None:
        """When the last who waited has gone, keep the copy or do away with it."""
        if task.cancelled() or task.exception():
            return
        copy, old = task.result(), self._copies.get(key)
        if key in self._flights and copy is not old:
            # Another download, begun meanwhile, may rest on the older copy.
            copy.path.unlink()
            return
        if old and old is not copy:
            old.path.unlink()
        self._copies.pop(key, None)
        # The last is the most recently used.
        self._copies[key] = copy
        copy.used_at = time.monotonic()
        if not copy.fetched.headers.may_be_kept or not copy.fetched.headers.conditions():
            self._drop(key)
        self._make_room()

    def _make_room(self) -> None:
        size = sum(copy.fetched.size for copy in self._copies.values())
        for key, copy in list(self._copies.items()):
            if size > self._max_bytes and key not in self._flights:
                self._drop(key)
                size -= copy.fetched.size
        if self._copies and self._sweep is None:
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(self._seconds_kept, self._drop_old)

    def _drop_old(self) -> None:
        self._sweep = None
        for key, copy in list(self._copies.items()):
            if copy.used_at + self._seconds_kept <= time.monotonic() and key not in self._flights:
                self._drop(key)
        self._make_room()

    def _drop(self, key: _Key) -> None:
        self._copies.pop(key).path.unlink()


async def _hand_out(path: Path, target: Path) -> None:
    """Put a copy where an item wants it, without copying its bytes where there are links."""
    try:
        os.link(path, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        await asyncio.to_thread(shutil.copy, path, target)
