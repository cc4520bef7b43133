"""The owners' side of the ledger: submit, look, call off."""

from collections.abc import Sequence
from functools import partial

from services.chassis.database import Database
from services.tasks.actions.batch import Batch
from services.tasks.actions.record import Recorder
from services.tasks.actions.splits import call_off_parts, with_open_parts
from services.tasks.actions.writer import Writer
from services.tasks.model import Item, Submission, cancel, queue
from services.tasks.store import items


class Queue:
    """Takes work in."""

    def __init__(self, db: Database, writer: Writer, recorder: Recorder) -> None:
        self._db = db
        self._writer = writer
        self._recorder = recorder

    async def submit(self, submissions: Sequence[Submission]) -> list[Item]:
        """Queue work, all or nothing; return its items in order.

        A repeat of the same owner, account and request id returns the item that is there.
        """

        async def add(batch: Batch) -> list[Item]:
            new = [queue(each, batch.now) for each in submissions]
            return await self._recorder.add(batch, new)

        return await self._writer.change((), add)

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
        async with self._db.reading() as tx:
            found = await items.by_requests(tx, owner, request_ids)
        ids = await with_open_parts(self._db, (item.item_id for item in found))
        return await self._writer.change(ids, partial(_cancel, found))


async def _cancel(found: Sequence[Item], batch: Batch) -> list[Item]:
    """Call off what has not ended of some items; return those that exist, as they are then."""
    now = [item for each in found if (item := batch.find(each.item_id))]
    for item in now:
        if not item.ended:
            batch.change(cancel(item, batch.now))
    call_off_parts(batch, {item.item_id for item in now})
    return [item for each in now if (item := batch.find(each.item_id))]
