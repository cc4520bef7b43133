"""The workers' side of the ledger: take, renew, report, finish, lose."""

from asyncio import Future
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from services.chassis.database import Database
from services.chassis.errors import Unavailable
from services.tasks.actions.assignment import Assignment
from services.tasks.actions.batch import Batch
from services.tasks.actions.live import Accepted, Live, Lost, Session
from services.tasks.actions.writer import Writer
from services.tasks.model import (
    RECONNECT,
    Item,
    Lane,
    Lease,
    State,
    fail,
    lose,
    more_ahead,
    succeed,
)
from services.tasks.store import assigning, items

SWEEP_BATCH = 100


class Leases:
    """Who may work on what, and until when. `jitter` gives numbers from 0 to 1."""

    def __init__(
        self,
        db: Database,
        writer: Writer,
        assignment: Assignment,
        live: Live,
        jitter: Callable[[], float],
    ) -> None:
        self._db = db
        self._writer = writer
        self._assignment = assignment
        self._live = live
        self._now = writer.now
        self._jitter = jitter
        self.duration = assignment.lease

    async def enter(self, session: Session) -> None:
        """Let a worker in. What it had before its stream broke counts as its own until it says."""
        async with self._db.reading() as tx:
            session.inherit(await items.executing_for(tx, session.worker_id))
        self._live.sessions.append(session)
        self._live.stirred.set()

    async def leave(self, session: Session) -> None:
        """Note that a stream ended: its worker comes back soon or is dead."""
        self._live.leave(session)
        # Without a database the leases last as long as they were to.
        with suppress(Unavailable):
            async with self._db.reading() as tx:
                ids = await items.ids_over(tx, session.stream_id)
            await self._writer.change(ids, partial(self._shorten, session))
            # What the worker was given while it left.
            if given := {lease.item_id for lease in session.held}.difference(ids):
                await self._writer.change(given, partial(self._shorten, session))

    async def assign(self) -> None:
        """Give due items to workers with free slots, until there are no more of either."""
        self._assignment.look_anew()
        if self._assignment.has_room() and await self._anything_due():
            # Every batch assigns what it can.
            await self._writer.change((), _nothing)

    def renew(self, session: Session, leases: frozenset[Lease]) -> "Future[None]":
        """Renew all that a worker still has; what it had before its stream broke and does not
        name any more is lost."""
        ids = {lease.item_id for lease in leases}
        return self._writer.change(ids, partial(self._renew, session, leases))

    def progress(
        self,
        session: Session,
        lease: Lease,
        percent: float,
        eta: float | None,
        partial_result: bytes | None = None,
    ) -> None:
        """Note how far an attempt got and what it knows so far; `save_progress` stores it."""
        if lease in session.held:
            self._live.report(lease, percent, eta, partial_result)
        else:
            session.tell(Lost(lease))

    async def save_progress(self) -> None:
        """Store and announce the progress noted since the last call."""
        if leases := self._live.take_unsaved():
            await self._writer.change({lease.item_id for lease in leases}, self._save_progress)

    def succeed(self, session: Session, lease: Lease, result: bytes) -> "Future[None]":
        """End an item well, if the worker still has it."""

        def end(item: Item, batch: Batch) -> Item:
            if item.lane is Lane.SHORT and item.taken_at:
                session.ahead = more_ahead(session.ahead, batch.now - item.taken_at)
            return succeed(item, result, batch.now)

        return self._writer.change([lease.item_id], partial(_finish, session, lease, end))

    def fail(
        self,
        session: Session,
        lease: Lease,
        message: str,
        retryable: bool,
        retry_after: float = 0.0,
    ) -> "Future[None]":
        """End an attempt badly, if the worker still has it; another waits for `retry_after` s."""

        def end(item: Item, batch: Batch) -> Item:
            known = self._live.freshest(item)
            return fail(known, message, retryable, batch.now, self._jitter(), retry_after)

        return self._writer.change([lease.item_id], partial(_finish, session, lease, end))

    async def sweep(self) -> None:
        """Take back the items whose lease ran out."""
        while await self._anything_expired():
            if await self._writer.change((), self._sweep) < SWEEP_BATCH:
                return

    async def _renew(self, session: Session, leases: frozenset[Lease], batch: Batch) -> None:
        held: list[Item] = []
        for lease in leases:
            item = batch.find(lease.item_id)
            if item and item.is_held_by(lease):
                until = batch.now + self.duration
                renewed = replace(item, lease_until=until, stream_id=session.stream_id)
                batch.change_quietly(renewed)
                held.append(renewed)
            else:
                # The worker may not have heard that its result was taken.
                reported = item is not None and item.reported_attempt == lease.attempt
                answer = Accepted(lease) if reported else Lost(lease)
                batch.after_commit.append(partial(session.tell, answer))
        strays = await items.lock_strays(batch.tx, session.worker_id, session.stream_id)
        for item in batch.adopt(strays):
            if item.state is State.EXECUTING and item.stream_id != session.stream_id:
                batch.change(lose(item, batch.now, self._jitter()))
        batch.after_commit.append(partial(self._settle, session, held))

    def _settle(self, session: Session, held: list[Item]) -> None:
        session.hold_on(held)
        self._live.stirred.set()

    async def _save_progress(self, batch: Batch) -> None:
        for item in batch.locked():
            newer = self._live.freshest(item)
            if newer != item:
                batch.change(newer)

    async def _shorten(self, session: Session, batch: Batch) -> None:
        until = batch.now + min(RECONNECT, self.duration)
        for item in batch.locked():
            over_it = item.stream_id == session.stream_id
            if over_it and item.lease_until and item.lease_until > until:
                batch.change_quietly(replace(item, lease_until=until))

    async def _sweep(self, batch: Batch) -> int:
        expired = await items.lock_expired(batch.tx, batch.now, SWEEP_BATCH)
        for item in batch.adopt(expired):
            if item.state is State.EXECUTING and item.lease_until and item.lease_until < batch.now:
                batch.change(lose(item, batch.now, self._jitter()))
        return len(expired)

    async def _anything_expired(self) -> bool:
        async with self._db.reading() as tx:
            return await items.any_expired(tx, self._now())

    async def _anything_due(self) -> bool:
        async with self._db.reading() as tx:
            return await assigning.anything_due(tx, self._now())


async def _finish(
    session: Session, lease: Lease, end: Callable[[Item, Batch], Item], batch: Batch
) -> None:
    item = batch.find(lease.item_id)
    batch.after_commit.append(partial(session.tell, answer(item, lease)))
    if item and item.is_held_by(lease):
        batch.change(end(item, batch))


def answer(item: Item | None, lease: Lease) -> Accepted | Lost:
    """Return what to say to a worker that reports the end of an attempt at an item."""
    if item is None:
        return Lost(lease)
    # The worker may not have heard the first answer: it says the same again.
    repeated = item.reported_attempt == lease.attempt
    return Accepted(lease) if repeated or item.is_held_by(lease) else Lost(lease)


async def _nothing(batch: Batch) -> None:
    """Change nothing."""
