"""The workers' side of the ledger: take, renew, report, finish, lose."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from services.chassis.database import Database
from services.chassis.errors import Unavailable
from services.tasks.actions.live import Accepted, Assigned, Live, Lost, Session
from services.tasks.actions.record import Recorder
from services.tasks.model import LEASE, RECONNECT, Item, Lease, fail, lose, start, succeed
from services.tasks.store import items

SWEEP_BATCH = 100


class Leases:
    """Who may work on what, and until when.

    `clock` tells the time, `jitter` gives numbers from 0 to 1, `lease` is how long a worker has
    an item without renewing.
    """

    def __init__(
        self,
        db: Database,
        recorder: Recorder,
        live: Live,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        lease: timedelta = LEASE,
    ) -> None:
        self._db = db
        self._recorder = recorder
        self._live = live
        self._now = clock
        self._jitter = jitter
        self.duration = lease

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
            await self._shorten(session)

    async def assign(self) -> None:
        """Give due items to workers with free slots, until there are no more of either."""
        if not self._free_sessions() or not await self._anything_due():
            return
        hopeless = set()
        while free := [s for s in self._free_sessions() if (s.kinds, s.lanes) not in hopeless]:
            # The emptiest worker first, so that work spreads.
            session = max(free, key=lambda each: each.slots - len(each.held))
            if not await self._assign_one(session):
                hopeless.add((session.kinds, session.lanes))

    async def renew(self, session: Session, leases: frozenset[Lease]) -> None:
        """Renew all that a worker still has; what it had before its stream broke and does not
        name any more is lost."""
        now = self._now()
        async with self._db.transaction() as tx:
            found = await items.lock(tx, [lease.item_id for lease in leases])
            held = [item for item in found if item.lease in leases and item.is_held_by(item.lease)]
            ids = [item.item_id for item in held]
            await items.renew(tx, ids, session.stream_id, now + self.duration)
            strays = await items.lock_strays(tx, session.worker_id, session.stream_id)
            dropped = [(item, lose(item, now, self._jitter())) for item in strays]
            await self._recorder.change(tx, dropped, now)
        session.hold_on(held)
        reported = {item.lease for item in found if item.reported_attempt == item.attempt}
        for lease in leases.difference(item.lease for item in held):
            # The worker may not have heard that its result was taken.
            session.tell(Accepted(lease) if lease in reported else Lost(lease))

    def progress(self, session: Session, lease: Lease, percent: float, eta: float | None) -> None:
        """Note how far an attempt got; `save_progress` stores it."""
        if lease in session.held:
            self._live.report(lease, percent, eta)
        else:
            session.tell(Lost(lease))

    async def save_progress(self) -> None:
        """Store and announce the progress noted since the last call."""
        leases = self._live.take_unsaved()
        if not leases:
            return
        async with self._db.transaction() as tx:
            found = await items.lock(tx, [lease.item_id for lease in leases])
            fresh = [(item, self._live.freshest(item)) for item in found]
            changes = [(item, newer) for item, newer in fresh if newer != item]
            await self._recorder.change(tx, changes, self._now())

    async def succeed(self, session: Session, lease: Lease, result: bytes) -> None:
        """End an item well, if the worker still has it."""
        await self._finish(session, lease, lambda item: succeed(item, result, self._now()))

    async def fail(self, session: Session, lease: Lease, message: str, retryable: bool) -> None:
        """End an attempt badly, if the worker still has it."""
        await self._finish(
            session,
            lease,
            lambda item: fail(item, message, retryable, self._now(), self._jitter()),
        )

    async def sweep(self) -> None:
        """Take back the items whose lease ran out."""
        while await self._sweep_some():
            pass

    async def _sweep_some(self) -> bool:
        now = self._now()
        async with self._db.reading() as tx:
            if not await items.any_expired(tx, now):
                return False
        async with self._db.transaction() as tx:
            expired = await items.lock_expired(tx, now, SWEEP_BATCH)
            changes = [(item, lose(item, now, self._jitter())) for item in expired]
            await self._recorder.change(tx, changes, now)
        return len(expired) == SWEEP_BATCH

    async def _finish(self, session: Session, lease: Lease, end: Callable[[Item], Item]) -> None:
        async with self._db.transaction() as tx:
            found = await items.lock(tx, [lease.item_id])
            held = [(item, end(item)) for item in found if item.is_held_by(lease)]
            await self._recorder.change(tx, held, self._now())
        # The worker may not have heard the first answer: it says the same again.
        repeated = any(item.reported_attempt == lease.attempt for item in found)
        session.tell(Accepted(lease) if held or repeated else Lost(lease))

    async def _assign_one(self, session: Session) -> bool:
        now = self._now()
        async with self._db.transaction() as tx:
            item = await items.lock_next(tx, session.kinds, session.lanes, now)
            if item is None:
                return False
            started = start(
                item,
                session.worker_id,
                session.stream_id,
                now,
                self.duration,
                session.deadline_of(item.kind),
            )
            await self._recorder.change(tx, [(item, started)], now)
        session.hold(started)
        session.tell(Assigned(started))
        if session not in self._live.sessions:
            # Its stream ended in the meantime, after the leases of the stream were shortened.
            await self._shorten(session)
        return True

    async def _shorten(self, session: Session) -> None:
        async with self._db.transaction() as tx:
            await items.shorten(tx, session.stream_id, self._now() + min(RECONNECT, self.duration))

    async def _anything_due(self) -> bool:
        async with self._db.reading() as tx:
            return await items.anything_due(tx, self._now())

    def _free_sessions(self) -> list[Session]:
        return [session for session in self._live.sessions if session.lanes]
