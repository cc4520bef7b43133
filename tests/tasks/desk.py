"""The ledger's use cases over a real database, with a clock that tests turn."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import select

from services.chassis import mailboxes
from services.chassis.database import Database
from services.chassis.events import Outbox
from services.chassis.vault import Vault
from services.tasks.actions.assignment import Assignment
from services.tasks.actions.leases import Leases
from services.tasks.actions.live import Live, Order, Session
from services.tasks.actions.owing import Owing
from services.tasks.actions.queue import Queue
from services.tasks.actions.record import Recorder
from services.tasks.actions.replicas import Replicas
from services.tasks.actions.splits import Splits
from services.tasks.actions.tasks import Tasks
from services.tasks.actions.writer import Writer
from services.tasks.api.callbacks import callback_body
from services.tasks.model import Item, Lane, Lease, Part, Submission
from services.tasks.sealing import Sealer
from services.tasks.store import parts
from services.tasks.store.tables import accounts, items, outbox
from tests.kit.identities import make_settings
from vitascope.work.v1 import events_pb2

KIND = "video.process"
SEALER = Sealer(Vault(make_settings().encryption_key, "tasks"))


class Clock:
    """The time, as the test says."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def turn(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Desk:
    """One ledger process without its doors."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock
        self.live = Live()
        self.replicas = Replicas(db, self.live)
        self.owing = Owing(partial(callback_body, "https://media.example"), SEALER)
        events = Outbox(db, make_settings(), "tasks")
        recorder = Recorder(events, self.live, self.replicas, self.owing)
        assignment = Assignment(self.live)
        self.writer = Writer(db, recorder, assignment, clock)
        self.queue = Queue(db, self.writer, recorder)
        self.splits = Splits(db, self.writer, recorder, self.live, SEALER)
        self.leases = Leases(db, self.writer, assignment, self.live, jitter=lambda: 0.0)
        self.tasks = Tasks(db, self.writer, recorder, self.live, SEALER)

    async def submit(
        self, *names: str, account: str = "team", priority: int = 0, lane: Lane = Lane.SHORT
    ) -> list[Item]:
        """Queue work with these request ids."""
        return await self.queue.submit(
            [
                Submission("videos", account, name, KIND, b"spec", b"", priority, lane)
                for name in names
            ]
        )

    async def enter(self, worker: str = "w", *, slots: int = 1, kind: str = KIND) -> Session:
        """Let a worker in."""
        session = Session(worker, frozenset({kind}), slots)
        await self.leases.enter(session)
        return session

    async def assigned(self, session: Session) -> list[str]:
        """Assign what can be; return the names of what the worker now has, in order."""
        await self.leases.assign()
        ids = [lease.item_id for lease in session.held]
        async with self.db.reading() as tx:
            rows = await tx.execute(select(items.c.item_id, items.c.request_id))
        names = {item_id: name for item_id, name in rows}
        return [names[item_id] for item_id in ids]

    async def lease(self, session: Session) -> Lease:
        """Assign what can be; return the lease that the worker got last."""
        await self.leases.assign()
        return list(session.held)[-1]

    async def split(self, session: Session, lease: Lease, *weights: float) -> None:
        """Have a worker split an item into parts of so much work."""
        asked = [Part(KIND, f"part {n}".encode(), each) for n, each in enumerate(weights)]
        await self.splits.split(session, lease, asked, b"beside")

    async def parts(self, name: str) -> list[Item]:
        """Return the parts of the item with this request id, in order."""
        whole = await self.item(name)
        async with self.db.reading() as tx:
            return await parts.of(tx, whole.item_id)

    async def item(self, name: str) -> Item:
        """Return the item with this request id."""
        return (await self.queue.get("videos", [name]))[0]

    async def counts(self) -> dict[str, tuple[int, int]]:
        """Return how much of each account waits and runs, as the ledger counts it."""
        async with self.db.reading() as tx:
            rows = await tx.execute(
                select(accounts.c.account_id, accounts.c.queued, accounts.c.running)
            )
        return {account: (queued, running) for account, queued, running in rows}

    async def events(self) -> list[events_pb2.WorkEvent]:
        """Return the work events that wait to leave."""
        async with self.db.reading() as tx:
            waiting = await mailboxes.oldest(tx, outbox, 10_000)
        return [events_pb2.WorkEvent.FromString(each.value) for each in waiting]


def told(session: Session) -> Sequence[Order]:
    """Return what the worker was told since the last call."""
    queue = session._orders
    orders: list[Order] = []
    while not queue.empty():
        if isinstance(order := queue.get_nowait(), Order):
            orders.append(order)
    return orders
