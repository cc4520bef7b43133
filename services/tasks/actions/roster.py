"""The workers that are connected: who has which name, and who takes no more.

The table of workers is what the replicas share. Each replica looks every second for what others
wrote there about its own streams.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from services.chassis.database import Database
from services.chassis.errors import NotFound
from services.tasks.actions.live import Live, Session
from services.tasks.store import workers
from services.tasks.store.workers import WorkerRecord

SEEN_EVERY = timedelta(seconds=10)
GONE_AFTER = 3 * SEEN_EVERY


class Roster:
    """Who is connected to any replica."""

    def __init__(self, db: Database, live: Live, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._live = live
        self._now = clock
        self._seen_at: datetime | None = None

    async def enter(self, session: Session) -> None:
        """Give a worker's name to its newest stream: an older one is half dead or an impostor."""
        async with self._db.transaction() as tx:
            await workers.enter(tx, self._record(session))
        self._supersede(self._live.sessions, {session.worker_id: session.stream_id})

    async def leave(self, session: Session) -> None:
        """Forget a stream that ended."""
        async with self._db.transaction() as tx:
            await workers.leave(tx, session.stream_id)

    async def look(self) -> None:
        """Do what others wrote about this replica's streams, and say now and then that they are
        there."""
        sessions = list(self._live.sessions)
        if not sessions:
            return
        async with self._db.reading() as tx:
            known = await workers.by_ids(tx, [session.worker_id for session in sessions])
        # Only streams that were there before the look: a later one may have taken a name since.
        self._supersede(sessions, {name: each.stream_id for name, each in known.items()})
        for session in sessions:
            if (record := known.get(session.worker_id)) and record.draining:
                session.drain()
        await self._say(
            [session for session in sessions if not session.superseded], known, self._now()
        )

    async def drain(self, worker_id: str) -> list[str]:
        """Tell a worker, or all when the name is empty, to take no more; return their names.

        Raises NotFound when none is connected by that name.
        """
        async with self._db.transaction() as tx:
            there = await workers.seen_since(tx, self._now() - GONE_AFTER)
            names = [each.worker_id for each in there if worker_id in ("", each.worker_id)]
            await workers.drain(tx, names)
        if worker_id and not names:
            raise NotFound(f"No worker is connected by the name {worker_id!r}.")
        for session in self._live.sessions:
            if session.worker_id in names:
                session.drain()
        return names

    async def all(self) -> tuple[list[WorkerRecord], Mapping[str, list[str]]]:
        """Return the connected workers, and the ids of what they have, by worker."""
        async with self._db.reading() as tx:
            there = await workers.seen_since(tx, self._now() - GONE_AFTER)
            return there, await workers.items_of(tx)

    async def _say(
        self, sessions: list[Session], known: Mapping[str, WorkerRecord], now: datetime
    ) -> None:
        unknown = [session for session in sessions if session.worker_id not in known]
        draining = [
            session.worker_id
            for session in sessions
            if session.draining
            and session.worker_id in known
            and not known[session.worker_id].draining
        ]
        due = self._seen_at is None or now - self._seen_at >= SEEN_EVERY
        if not (due or unknown or draining):
            return
        async with self._db.transaction() as tx:
            for session in unknown:
                await workers.enter_again(tx, self._record(session))
            await workers.drain(tx, draining)
            await workers.see(tx, [session.stream_id for session in sessions], now)
            await workers.forget(tx, now - 2 * GONE_AFTER)
        self._seen_at = now

    def _record(self, session: Session) -> WorkerRecord:
        return WorkerRecord(
            session.worker_id,
            session.stream_id,
            sorted(session.kinds),
            session.slots,
            session.draining,
            self._now(),
        )

    def _supersede(self, sessions: Iterable[Session], streams: Mapping[str, str]) -> None:
        """End those streams whose worker's name another stream has."""
        for session in list(sessions):
            if streams.get(session.worker_id, session.stream_id) != session.stream_id:
                self._live.leave(session)
                session.supersede()
