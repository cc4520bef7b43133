"""Waiting for the ends of items."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from services.chassis.errors import Unavailable
from services.tasks.model import Item


def stopping() -> Unavailable:
    """Return the error for those whose waiting ends with this process."""
    return Unavailable("The service is stopping.", retry_after=1)


class Watch:
    """Items that somebody waits for: `over` is set when none of them is `pending` any more.

    `ended` are those of them that ended in this process, as they ended.
    """

    def __init__(self, pending: set[str]) -> None:
        self.pending = pending
        self.ended: dict[str, Item] = {}
        self.over = asyncio.Event()
        self._broken_off = False
        self._look()

    async def wait(self, seconds: float) -> None:
        """Return once none is pending, or after a time. Raises Unavailable when broken off."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.over.wait()
        if self._broken_off and self.pending:
            raise stopping()

    def break_off(self) -> None:
        """Let those who wait know that this process will not be there for the end."""
        self._broken_off = True
        self.over.set()

    def strike(self, item_id: str, item: Item | None) -> None:
        """Note that an item ended, and how where that is known."""
        self.pending.discard(item_id)
        if item:
            self.ended[item_id] = item
        self._look()

    def _look(self) -> None:
        if not self.pending:
            self.over.set()


class Watches:
    """Who waits for what in this process."""

    def __init__(self) -> None:
        self._watches: dict[str, set[Watch]] = defaultdict(set)
        self._closed = False

    @contextmanager
    def watching(self, ids: Iterable[str]) -> Iterator[Watch]:
        """Give a watch over items."""
        watched = set(ids)
        watch = Watch(set(watched))
        if self._closed:
            watch.break_off()
        for item_id in watched:
            self._watches[item_id].add(watch)
        try:
            yield watch
        finally:
            for item_id in watched:
                self._watches[item_id].discard(watch)
                if not self._watches[item_id]:
                    del self._watches[item_id]

    def strike(self, item_id: str, item: Item | None = None) -> None:
        """Tell those who wait for an item that it ended, and how where that is known."""
        for watch in self._watches.get(item_id, ()):
            watch.strike(item_id, item)

    def watched(self) -> list[str]:
        """Return the ids of the items that somebody waits for."""
        return list(self._watches)

    def close(self) -> None:
        """Break off all waiting, from now on."""
        self._closed = True
        for watch in {each for watches in self._watches.values() for each in watches}:
            watch.break_off()
