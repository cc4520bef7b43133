"""Forgets what ended long ago."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from services.chassis.database import Database, Tx
from services.tasks.store import callbacks, expiry, upkeep

# Of a task that expired, its key tells so for this long.
KEYS_KEPT = timedelta(days=90)
BATCH = 500  # rows a transaction, so that nobody waits long for one

log = structlog.stdlib.get_logger(__name__)


class Retention:
    """Keeps ended items, and what belongs to them, for a while."""

    def __init__(self, db: Database, kept: timedelta, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._kept = kept
        self._now = clock

    async def sweep(self) -> None:
        """Delete what is older than it is to be kept, in small transactions."""
        before = self._now() - self._kept
        await self._delete(expiry.forget, before - KEYS_KEPT)
        async with self._db.reading() as tx:
            if not await upkeep.anything_old(tx, before):
                return
        # A request's name goes before the tasks that it stands for.
        names = await self._delete(upkeep.delete_names, before)
        ended = await self._delete(upkeep.delete_ended, before)
        called = await self._delete(callbacks.delete_over, before)
        # Events that no broker took for so long tell of items that are gone.
        unsent = await self._delete(upkeep.delete_unsent, before)
        log.info("forgotten", items=ended, names=names, callbacks=called, unsent_events=unsent)

    async def _delete(
        self, delete: Callable[[Tx, datetime, int], Awaitable[int]], before: datetime
    ) -> int:
        total = 0
        while True:
            async with self._db.transaction() as tx:
                deleted = await delete(tx, before, BATCH)
            total += deleted
            if deleted < BATCH:
                return total
