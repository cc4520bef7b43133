"""Shows Prometheus how much waits and runs, and how many callbacks wait."""

from collections.abc import Callable
from datetime import datetime

from services.chassis.database import Database
from services.tasks import metrics
from services.tasks.store import callbacks, parts
from services.tasks.store.depth import depths


class Gauging:
    """Measures the ledger now and then."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._now = clock

    async def measure(self) -> None:
        """Show how much waits and runs at this moment."""
        async with self._db.reading() as tx:
            metrics.show(await depths(tx, self._now()), await parts.waiting(tx))
            metrics.show_callbacks(await callbacks.backlog(tx), self._now())
