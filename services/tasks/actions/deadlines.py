"""Ends what takes longer than its kind may, even when its worker goes on saying that it works."""

from collections.abc import Callable
from datetime import datetime

from services.chassis.database import Database
from services.tasks.actions.record import Recorder
from services.tasks.model import DEADLINE_GRACE, overrun
from services.tasks.store import upkeep

BATCH = 100


class Deadlines:
    """Looks for attempts past their deadline."""

    def __init__(self, db: Database, recorder: Recorder, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._recorder = recorder
        self._now = clock

    async def sweep(self) -> None:
        """End the items whose worker did not end them in time; the worker is told to stop."""
        while await self._sweep_some():
            pass

    async def _sweep_some(self) -> bool:
        now = self._now()
        over = now - DEADLINE_GRACE
        async with self._db.reading() as tx:
            if not await upkeep.any_overdue(tx, over):
                return False
        async with self._db.transaction() as tx:
            overdue = await upkeep.lock_overdue(tx, over, BATCH)
            await self._recorder.change(tx, [(item, overrun(item, now)) for item in overdue], now)
        return len(overdue) == BATCH
