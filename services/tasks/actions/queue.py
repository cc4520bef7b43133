"""The owners' side of the ledger: submit, look, call off."""

from collections.abc import Callable, Sequence
from datetime import datetime

from services.chassis.database import Database
from services.tasks.actions.record import Recorder
from services.tasks.model import Item, Submission, cancel, queue
from services.tasks.store import items


class Queue:
    """Takes work in."""

    def __init__(self, db: Database, recorder: Recorder, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._recorder = recorder
        self._now = clock

    async def submit(self, submissions: Sequence[Submission]) -> list[Item]:
        """Queue work, all or nothing; return its items in order.

        A repeat of the same owner, account and request id returns the item that is there.
        """
        now = self._now()
        async with self._db.transaction() as tx:
            return await self._recorder.add(tx, [queue(each, now) for each in submissions])

    async def get(self, owner: str, request_ids: Sequence[str]) -> list[Item]:
        """Return the owner's items that exist."""
        async with self._db.reading() as tx:
            return await items.by_requests(tx, owner, request_ids)

    async def find(self, item_ids: Sequence[str]) -> list[Item]:
        """Return the items that exist, whoever owns them."""
        async with self._db.reading() as tx:
            return await items.by_ids(tx, item_ids)

    async def cancel(self, owner: str, request_ids: Sequence[str]) -> list[Item]:
        """Call off what has not ended; return all that exist, as they are now."""
        now = self._now()
        async with self._db.transaction() as tx:
            found = await items.lock_requests(tx, owner, request_ids)
            changes = [(item, cancel(item, now)) for item in found if not item.ended]
            await self._recorder.change(tx, changes, now)
        cancelled = {after.item_id: after for _, after in changes}
        return [cancelled.get(item.item_id, item) for item in found]
