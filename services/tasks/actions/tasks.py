"""The use cases of the Tasks API: create tasks, look at them, wait for them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from services.chassis.database import Database
from services.tasks.actions.live import Live
from services.tasks.actions.record import Recorder
from services.tasks.model import Item, Submission, TaskRecord, queue
from services.tasks.store import items
from services.tasks.store import tasks as records

POLL_SECONDS = 1.0
"""How often a waiter looks by itself, for ends that another replica saw."""


@dataclass(frozen=True)
class Task:
    """A task as the Tasks API sees it."""

    record: TaskRecord
    item: Item


class Tasks:
    """Queues tasks and follows them."""

    def __init__(
        self, db: Database, recorder: Recorder, live: Live, clock: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._recorder = recorder
        self._live = live
        self._now = clock

    async def create(self, new: Sequence[tuple[Submission, TaskRecord]]) -> list[Task]:
        """Queue tasks, all or nothing; refused ones are recorded as ended."""
        now = self._now()
        async with self._db.transaction() as tx:
            added = await self._recorder.add(tx, [queue(work, now) for work, _ in new])
            await records.add(tx, [record for _, record in new])
        return [Task(record, item) for (_, record), item in zip(new, added, strict=True)]

    async def find(self, keys: Sequence[str]) -> Mapping[str, Task]:
        """Return the tasks that exist, by key."""
        async with self._db.reading() as tx:
            found = await records.by_keys(tx, keys)
        return {
            key: Task(record, self._live.freshest(item)) for key, (record, item) in found.items()
        }

    async def wait(self, keys: Sequence[str]) -> None:
        """Return once none of the tasks runs or waits any more; unknown ones do not."""
        with self._live.watching(keys) as ended:
            pending = list(keys)
            while pending := await self._pending(pending):
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await ended.wait()
                ended.clear()

    async def _pending(self, keys: Sequence[str]) -> list[str]:
        async with self._db.reading() as tx:
            return [item.item_id for item in await items.by_ids(tx, keys) if not item.ended]
