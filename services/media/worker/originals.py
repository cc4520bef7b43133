"""Copies of stored files that several items want: the segments of one video, above all."""

import asyncio
import itertools
import os
from pathlib import Path

from services.chassis.storage import Storage

SECONDS_KEPT = 120.0


class _Copy:
    def __init__(self, path: Path, bringing: "asyncio.Task[None]") -> None:
        self.path = path
        self.bringing = bringing
        self.users = 0
        self.sweep: asyncio.TimerHandle | None = None


class Originals:
    """Files of a storage that is no folder, each brought once for all who want it.

    What is stored under a key never changes. A copy goes when nobody has wanted it
    for a while; those that were handed out are links of their own.
    """

    def __init__(self, storage: Storage, folder: Path, seconds_kept: float = SECONDS_KEPT) -> None:
        self._storage = storage
        self._folder = folder
        self._seconds_kept = seconds_kept
        self._copies: dict[str, _Copy] = {}
        self._names = itertools.count()

    async def bring(self, key: str, target: Path) -> None:
        """Have what is stored under a key as the file `target`. Raises NotFound and Unavailable."""
        copy = self._copies.get(key)
        if copy is None:
            path = self._folder / str(next(self._names))
            copy = _Copy(path, asyncio.create_task(self._fetch(key, path)))
            self._copies[key] = copy
        if copy.sweep is not None:
            copy.sweep.cancel()
        copy.users += 1
        try:
            await asyncio.shield(copy.bringing)
            os.link(copy.path, target)
        finally:
            copy.users -= 1
            if not copy.users:
                await self._leave(key, copy)

    async def _fetch(self, key: str, path: Path) -> None:
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        await self._storage.fetch(key, path)
        await asyncio.to_thread(path.chmod, 0o444)

    async def _leave(self, key: str, copy: _Copy) -> None:
        """When the last who waited has gone, keep a whole copy for a while, and drop another."""
        if copy.bringing.done() and not copy.bringing.cancelled() and not copy.bringing.exception():
            loop = asyncio.get_running_loop()
            copy.sweep = loop.call_later(self._seconds_kept, self._drop, key)
            return
        self._drop(key)
        if not copy.bringing.done():
            copy.bringing.cancel()
            await asyncio.wait([copy.bringing])
            copy.path.unlink(missing_ok=True)

    def _drop(self, key: str) -> None:
        self._copies.pop(key).path.unlink(missing_ok=True)
