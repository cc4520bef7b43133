"""Items that are done in parts: split on a worker's word, followed, and brought to their end."""

from asyncio import Future
from collections.abc import Collection, Iterable, Sequence
from functools import partial

from services.chassis.database import Database, Tx
from services.tasks.actions.batch import Batch
from services.tasks.actions.leases import answer
from services.tasks.actions.live import Live, Session
from services.tasks.actions.record import Recorder
from services.tasks.actions.writer import Writer
from services.tasks.model import (
    Item,
    Lease,
    Part,
    State,
    cancel,
    fail_by_part,
    follow,
    queue,
    shares_of,
    split,
    submissions_of,
)
from services.tasks.sealing import Sealer, is_sealed
from services.tasks.store import items, parts


class Splits:
    """Splits items, and looks after what was split.

    What becomes of a part is stored with the part alone. What follows from it for the whole, and
    from the whole's end for its other parts, is done soon after, in another transaction, by
    whichever process comes to it: locks of wholes are then taken before those of their parts.
    """

    def __init__(
        self, db: Database, writer: Writer, recorder: Recorder, live: Live, sealer: Sealer
    ) -> None:
        self._sealer = sealer
        self._db = db
        self._writer = writer
        self._recorder = recorder
        self._live = live

    def split(
        self, session: Session, lease: Lease, asked: Sequence[Part], destination: bytes
    ) -> "Future[None]":
        """End an attempt, if the worker still has it, and queue the parts of what is left."""

        async def do(batch: Batch) -> None:
            item = batch.find(lease.item_id)
            batch.after_commit.append(partial(session.tell, answer(item, lease)))
            if item is None or not item.is_held_by(lease):
                return
            after = split(self._live.freshest(item), batch.now)
            batch.change(after)
            if after.state is not State.SPLIT:
                return
            new = [queue(each, batch.now) for each in submissions_of(after, asked, destination)]
            if is_sealed(after):
                new = [self._sealer.sealed(each) for each in new]
            await self._recorder.add(batch, new)
            shares = zip((item.item_id for item in new), shares_of(asked), strict=True)
            await parts.add(batch.tx, after.item_id, list(shares))

        return self._writer.change([lease.item_id], do)

    async def results_of(self, item: Item) -> Sequence[tuple[str, bytes]]:
        """Return the kind and the result of each part of an item, in order."""
        if item.split_percent is None:
            return ()
        async with self._db.reading() as tx:
            return await parts.results(tx, item.item_id)

    async def tend(self) -> None:
        """Bring wholes on whose parts got further, and end what is not needed any more."""
        stirred, self._live.stirred_wholes = self._live.stirred_wholes, set()
        if not stirred:
            return
        try:
            await self._tend(stirred)
        except BaseException:
            self._live.stirred_wholes |= stirred
            raise

    async def review(self) -> None:
        """Tend all that is split: a process may have ended before it came to it."""
        async with self._db.reading() as tx:
            unsettled = await parts.unsettled(tx)
        if unsettled:
            await self._tend(unsettled)

    async def _tend(self, whole_ids: Collection[str]) -> None:
        async with self._db.reading() as tx:
            ids = await _ids_to_lock(tx, whole_ids)
        await self._writer.change(ids, partial(self._follow, whole_ids))

    async def _follow(self, whole_ids: Collection[str], batch: Batch) -> None:
        tallies = await parts.tallies(batch.tx, whole_ids)
        over = set()
        for whole_id in whole_ids:
            whole, tally = batch.find(whole_id), tallies.get(whole_id)
            if whole and tally and whole.state is State.SPLIT:
                if tally.failed:
                    failed = await parts.first_failed(batch.tx, whole_id)
                    after = fail_by_part(whole, failed, batch.now)
                else:
                    after = follow(whole, tally, batch.now)
                if after is not whole:
                    batch.change(after)
                if after.state is State.QUEUED:
                    batch.after_commit.append(self._live.stirred.set)
                whole = after
            if whole is None or whole.ended:
                over.add(whole_id)
        call_off_parts(batch, over)


def call_off_parts(batch: Batch, whole_ids: Collection[str]) -> None:
    """Call off the parts of some items, as far as they are locked and have not ended."""
    for item in batch.locked():
        if item.whole_id in whole_ids and not item.ended:
            batch.change(cancel(item, batch.now))


async def with_open_parts(db: Database, ids: Iterable[str]) -> list[str]:
    """Return the ids of items and of those of their parts that have not ended."""
    wholes = list(ids)
    async with db.reading() as tx:
        return [*wholes, *await parts.open_ids(tx, wholes)] if wholes else []


async def _ids_to_lock(tx: Tx, whole_ids: Collection[str]) -> list[str]:
    """Return the ids of wholes, and of their parts where these are perhaps to be called off."""
    wholes = {item.item_id: item for item in await items.by_ids(tx, whole_ids)}
    tallies = await parts.tallies(tx, whole_ids)
    over = [
        whole_id
        for whole_id, tally in tallies.items()
        if tally.failed or wholes[whole_id].state is not State.SPLIT
    ]
    return [*wholes, *(await parts.open_ids(tx, over) if over else ())]
