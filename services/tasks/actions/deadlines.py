"""Ends what takes longer than it may: an attempt longer than its kind's deadline, even when its
worker goes on saying that it works, and parts that nobody is there to do."""

from services.chassis.database import Database
from services.tasks.actions.batch import Batch
from services.tasks.actions.writer import Writer
from services.tasks.model import DEADLINE_GRACE, State, overrun
from services.tasks.store import upkeep

BATCH = 100


class Deadlines:
    """Looks for attempts and for parts past their deadline."""

    def __init__(self, db: Database, writer: Writer) -> None:
        self._db = db
        self._writer = writer

    async def sweep(self) -> None:
        """End the items whose worker did not end them in time; the worker is told to stop."""
        while await self._sweep_some():
            pass

    async def _sweep_some(self) -> bool:
        async with self._db.reading() as tx:
            if not await upkeep.any_overdue(tx, self._writer.now() - DEADLINE_GRACE):
                return False
        return await self._writer.change((), self._end) >= BATCH

    async def _end(self, batch: Batch) -> int:
        over = batch.now - DEADLINE_GRACE
        overdue = await upkeep.lock_overdue(batch.tx, over, BATCH)
        for item in batch.adopt(overdue):
            if item.state in (State.EXECUTING, State.SPLIT):
                batch.change(overrun(item, batch.now))
        return len(overdue)
