"""What this process knows in memory: connected workers, fresh progress, and who waits for what.

Nothing here is needed after a crash. Another replica that does not see it polls the database.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from services.tasks.model import Item, Lane, Lease, State, advance, new_key, open_lanes

MAX_DEADLINE_SECONDS = 10.0**9  # more than thirty years; moments end somewhere


@dataclass(frozen=True)
class Assigned:
    """Tells a worker to do an item."""

    item: Item


@dataclass(frozen=True)
class Cancelled:
    """Tells a worker to stop."""

    lease: Lease


@dataclass(frozen=True)
class Lost:
    """Tells a worker that a lease is not its any more."""

    lease: Lease


@dataclass(frozen=True)
class Accepted:
    """Tells a worker that its result stands."""

    lease: Lease


@dataclass(frozen=True)
class Drained:
    """Tells a worker to take no more, finish what runs, and end."""


Order = Assigned | Cancelled | Lost | Accepted | Drained


@dataclass(eq=False)
class Session:
    """A worker's stream: what the worker can do, what it has, what it is to be told.

    `deadlines` are how long an attempt may take, in seconds, by kind.
    """

    worker_id: str
    kinds: frozenset[str]
    slots: int
    deadlines: Mapping[str, float] = field(default_factory=dict)
    stream_id: str = field(default_factory=new_key)
    held: dict[Lease, Lane] = field(default_factory=dict)
    draining: bool = False
    superseded: bool = False
    _told_to_drain: bool = False
    _inherited: set[Lease] = field(default_factory=set)
    _orders: asyncio.Queue[Order | None] = field(default_factory=asyncio.Queue)

    @property
    def lanes(self) -> frozenset[Lane]:
        """The lanes in which it takes another item now."""
        return frozenset() if self.draining else open_lanes(self.slots, self.held.values())

    def deadline_of(self, kind: str) -> timedelta | None:
        """Return how long an attempt may take; None for as long as it takes."""
        seconds = min(self.deadlines.get(kind, 0.0), MAX_DEADLINE_SECONDS)
        return timedelta(seconds=seconds) if seconds > 0 else None

    def hold(self, item: Item) -> None:
        """Count an item as the worker's."""
        self.held[item.lease] = item.lane

    def inherit(self, items: Iterable[Item]) -> None:
        """Count items as the worker's until it says which of them it still has."""
        for item in items:
            self.hold(item)
        self._inherited = set(self.held)

    def hold_on(self, items: Iterable[Item]) -> None:
        """Count items, which the worker says it still has, and no others that were inherited."""
        for lease in self._inherited:
            self.held.pop(lease, None)
        self._inherited.clear()
        for item in items:
            self.hold(item)

    def tell(self, order: Order) -> None:
        """Say something to the worker, in order; whatever it is about but new is not held on."""
        if isinstance(order, Cancelled | Lost | Accepted):
            self.held.pop(order.lease, None)
        self._orders.put_nowait(order)

    def drain(self) -> None:
        """Tell the worker to take no more, unless it was told or says so itself."""
        if not (self.draining or self._told_to_drain):
            self._told_to_drain = True
            self.tell(Drained())
        self.draining = True

    def supersede(self) -> None:
        """End the stream because a newer one has the worker's name."""
        self.superseded = self.draining = True
        self.close()

    def close(self) -> None:
        """End `orders` after what was told so far."""
        self._orders.put_nowait(None)

    async def orders(self) -> AsyncIterator[Order]:
        """Yield what the worker is to be told, until the session is closed."""
        while (order := await self._orders.get()) is not None:
            yield order


@dataclass(frozen=True)
class Report:
    """How far an attempt got."""

    percent: float
    eta_seconds: float | None


class Live:
    """The memory of one ledger process."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        # Set when an item may have become due or a slot free.
        self.stirred = asyncio.Event()
        self._reports: dict[Lease, Report] = {}
        self._unsaved: set[Lease] = set()
        self._watchers: dict[str, set[asyncio.Event]] = defaultdict(set)

    def report(self, lease: Lease, percent: float, eta_seconds: float | None) -> None:
        """Note the progress of an attempt that runs."""
        before = self._reports.get(lease, Report(0.0, None))
        self._reports[lease] = Report(advance(before.percent, percent), eta_seconds)
        self._unsaved.add(lease)

    def take_unsaved(self) -> set[Lease]:
        """Return the attempts that got further since the last call."""
        unsaved, self._unsaved = self._unsaved, set()
        return unsaved

    def freshest(self, item: Item) -> Item:
        """Return the item with the newest progress that is known of its attempt."""
        report = self._reports.get(item.lease)
        if report is None or item.state is not State.EXECUTING:
            return item
        percent = max(item.percent, report.percent)
        return replace(item, percent=percent, eta_seconds=report.eta_seconds)

    def changed(self, changes: Sequence[tuple[Item, Item]]) -> None:
        """Tell workers and waiters of committed changes (before, after)."""
        for before, after in changes:
            if before.state is State.EXECUTING and after.state is not State.EXECUTING:
                self._stopped(before.lease, after)
            if after.ended:
                for watcher in self._watchers.get(after.item_id, ()):
                    watcher.set()
            if after.state is not before.state:
                self.stirred.set()

    def leave(self, session: Session) -> None:
        """Forget a session and the progress that came over it."""
        if session not in self.sessions:
            return
        self.sessions.remove(session)
        for lease in session.held:
            self._reports.pop(lease, None)

    @contextmanager
    def watching(self, ids: Iterable[str]) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever one of the items ends."""
        ended = asyncio.Event()
        watched = set(ids)
        for item_id in watched:
            self._watchers[item_id].add(ended)
        try:
            yield ended
        finally:
            for item_id in watched:
                self._watchers[item_id].discard(ended)
                if not self._watchers[item_id]:
                    del self._watchers[item_id]

    def _stopped(self, lease: Lease, after: Item) -> None:
        self._reports.pop(lease, None)
        self._unsaved.discard(lease)
        for session in self.sessions:
            if lease not in session.held:
                continue
            if after.ended and after.reported_attempt != lease.attempt:
                session.tell(Cancelled(lease))
            elif after.reported_attempt != lease.attempt:
                session.tell(Lost(lease))
            else:
                # Whoever reported the end is answered on the stream that it came by.
                del session.held[lease]
