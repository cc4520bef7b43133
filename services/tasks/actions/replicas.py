"""What the processes of the ledger tell each other about changes, as soon as these are stored."""

import json
from collections.abc import Sequence
from typing import Any

from services.chassis.database import Database, Tx
from services.tasks.actions.live import Live
from services.tasks.model import Item, Lease, State, new_key, was_stopped

CHANNEL = "vitascope_ledger"
MOST_IN_A_NOTICE = 100  # of some seventy bytes each


class Replicas:
    """Wakes those who wait at another replica for what happened at this one.

    A notice can be missed: the regular looks into the database are what nothing escapes.
    """

    def __init__(self, db: Database, live: Live) -> None:
        self._db = db
        self._live = live
        self._name = new_key()

    async def tell_changed(
        self, tx: Tx, moved: Sequence[tuple[Item, Item]], *, stirred: bool
    ) -> None:
        """Tell of items that ended, were taken from their worker or came back to the queue, and
        whether there may be something else to assign."""
        told = [(before, after) for before, after in moved if after.state is not State.EXECUTING]
        if stirred and not told:
            await self._tell(tx, stirred=True)
        for start in range(0, len(told), MOST_IN_A_NOTICE):
            some = told[start : start + MOST_IN_A_NOTICE]
            await self._tell(
                tx,
                ended=[after.item_id for _, after in some if after.ended],
                stopped=[
                    (after.item_id, before.attempt, after.ended)
                    for before, after in some
                    if was_stopped(before, after)
                ],
                stirred=stirred or any(after.state is State.QUEUED for _, after in some),
            )

    async def listen(self) -> None:
        """Hear what the others tell, for ever."""
        await self._db.listen(CHANNEL, self._hear)

    async def _tell(self, tx: Tx, **news: Any) -> None:
        if self._db.is_sqlite:
            return  # there is one process
        worth_telling = {name: value for name, value in news.items() if value}
        if worth_telling:
            payload = json.dumps({"by": self._name} | worth_telling, separators=(",", ":"))
            await self._db.notify(tx, CHANNEL, payload)

    def _hear(self, payload: str) -> None:
        news = json.loads(payload)
        if news["by"] == self._name:
            return
        for item_id, attempt, ended in news.get("stopped", ()):
            self._live.stop(Lease(item_id, attempt), ended=ended)
        for item_id in news.get("ended", ()):
            self._live.watches.strike(item_id)
        if news.get("stirred"):
            self._live.stirred.set()
