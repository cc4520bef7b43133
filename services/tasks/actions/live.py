"""What this process knows in memory: connected workers, fresh progress, and who waits for what.

Nothing here is needed after a crash.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from services.tasks.actions.following import Feeds
from services.tasks.actions.waiting import Watches
from services.tasks.model import (
    Item,
    Lane,
    Lease,
    State,
    advance,
    attained,
    new_key,
    open_lanes,
    was_stopped,
)

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
    ahead: int = 0
    draining: bool = False
    superseded: bool = False
    _told_to_drain: bool = False
    _inherited: set[Lease] = field(default_factory=set)
    _orders: asyncio.Queue[Order | BaseException | None] = field(default_factory=asyncio.Queue)

    @property
    def lanes(self) -> frozenset[Lane]:
        """The lanes in which it takes another item now."""
        return self.lanes_with(list(self.held.values()))

    def lanes_with(self, held: Collection[Lane]) -> frozenset[Lane]:
        """The lanes in which it would take another item if it had items in these."""
        return frozenset() if self.draining else open_lanes(self.slots, held, self.ahead)

    def deadline_of(self, kind: str) -> timedelta | None:
        """Return how long an attempt may take; None for as long as it takes."""
        seconds = min(self.deadlines.get(kind, 0.0), MAX_DEADLINE_SECONDS)
        return timedelta(seconds=seconds) if seconds > 0 else None

    def hold(self, item: Item) -> None:
        """Count an item as the worker's."""
        self.held[item.lease] = item.lane

    def drop(self, lease: Lease) -> None:
        """Do not count an attempt as the worker's any more."""
        self.held.pop(lease, None)

    def inherit(self, items: Iterable[Item]) -> None:
        """Count items as the worker's until it says which of them it still has."""
        for item in items:
            self.hold(item)
        self._inherited = set(self.held)

    def hold_on(self, items: Iterable[Item]) -> None:
        """Count items, which the worker says it still has, and no others that were inherited."""
        for lease in self._inherited:
            self.drop(lease)
        self._inherited.clear()
        for item in items:
            self.hold(item)

    def tell(self, order: Order) -> None:
        """Say something to the worker, in order; whatever it is about but new is not held on."""
        if isinstance(order, Cancelled | Lost | Accepted):
            self.drop(order.lease)
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

    def close(self, error: BaseException | None = None) -> None:
        """End `orders` after what was told so far, with an error or without."""
        self._orders.put_nowait(error)

    async def orders(self) -> AsyncIterator[list[Order]]:
        """Yield what the worker is to be told, all that there is, until the session is closed."""
        news: Order | BaseException | None
        ended = False
        while not ended:
            orders: list[Order] = []
            news = await self._orders.get()
            while isinstance(news, Order):
                orders.append(news)
                if self._orders.empty():
                    break
                news = self._orders.get_nowait()
            if orders:
                yield orders
            if isinstance(news, BaseException):
                raise news
            ended = news is None


@dataclass(frozen=True)
class Report:
    """How far an attempt got, and what is known of its result."""

    percent: float
    eta_seconds: float | None
    partial: bytes | None = None


class Live:
    """The memory of one ledger process."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        # Set when an item may have become due or a slot free.
        self.stirred = asyncio.Event()
        self._reports: dict[Lease, Report] = {}
        self._unsaved: set[Lease] = set()
        self.watches = Watches()
        self.feeds = Feeds()
        # Items whose parts got further or ended, and those that ended before their parts.
        self.stirred_wholes: set[str] = set()

    def report(
        self, lease: Lease, percent: float, eta_seconds: float | None, partial: bytes | None = None
    ) -> None:
        """Note the progress of an attempt that runs; without a partial result the last one stays
        what is known."""
        before = self._reports.get(lease, Report(0.0, None))
        known = before.partial if partial is None else partial
        self._reports[lease] = Report(advance(before.percent, percent), eta_seconds, known)
        self._unsaved.add(lease)
        if followed := self.feeds.executing(lease):
            self.feeds.tell(self.freshest(followed))

    def take_unsaved(self) -> set[Lease]:
        """Return the attempts that got further since the last call."""
        unsaved, self._unsaved = self._unsaved, set()
        return unsaved

    def freshest(self, item: Item) -> Item:
        """Return the item with the newest progress that is known of its attempt."""
        report = self._reports.get(item.lease)
        if report is None or item.state is not State.EXECUTING:
            return item
        result = item.result if report.partial is None else report.partial
        percent = attained(item, report.percent)
        return replace(item, percent=percent, eta_seconds=report.eta_seconds, result=result)

    def changed(self, moved: Sequence[tuple[Item, Item]]) -> None:
        """Tell workers and waiters of committed changes (before, after)."""
        for before, after in moved:
            if was_stopped(before, after):
                self.stop(before.lease, ended=after.ended)
            elif before.state is State.EXECUTING and after.state is not State.EXECUTING:
                # Whoever reported the end is answered on the stream that it came by.
                self._forget(before.lease)
                for session in self.sessions:
                    session.drop(before.lease)
            if after.item_id in self.feeds:
                self.feeds.tell(self.freshest(after))
            if after.ended:
                self.watches.strike(after.item_id, after)
            if whole_id := after.whole_id:
                self.stirred_wholes.add(whole_id)
            elif after.ended and after.split_percent is not None:
                self.stirred_wholes.add(after.item_id)

    def stop(self, lease: Lease, *, ended: bool) -> None:
        """Tell the worker that has an attempt that somebody else ended it, or its item too."""
        self._forget(lease)
        for session in self.sessions:
            if lease in session.held:
                session.tell(Cancelled(lease) if ended else Lost(lease))
                self.stirred.set()

    def leave(self, session: Session) -> None:
        """Forget a session and the progress that came over it."""
        if session not in self.sessions:
            return
        self.sessions.remove(session)
        for lease in session.held:
            self._reports.pop(lease, None)

    def close(self) -> None:
        """Break off all waiting and following, from now on: the process stops."""
        self.watches.close()
        self.feeds.close()

    def _forget(self, lease: Lease) -> None:
        self._reports.pop(lease, None)
        self._unsaved.discard(lease)
