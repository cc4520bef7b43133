"""Who gets which item next."""

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from heapq import heapify, heappop, heapreplace

from services.tasks.actions.batch import Batch
from services.tasks.actions.live import Assigned, Live, Session
from services.tasks.model import LEASE, Item, Lane, State, start
from services.tasks.store import assigning
from services.tasks.store.assigning import Waiting

Need = tuple[frozenset[str], frozenset[Lane]]
"""The kinds and the lanes that a worker takes."""


@dataclass
class _Room:
    """A worker with the lanes of what it has and of what the batch gives it."""

    session: Session
    held: list[Lane]

    @property
    def need(self) -> Need:
        return self.session.kinds, self.session.lanes_with(self.held)

    @property
    def free(self) -> int:
        """How many more items it takes at most; those beyond its slots count too."""
        return self.session.slots + self.session.ahead - len(self.held)

    @property
    def emptiness(self) -> int:
        return self.session.slots - len(self.held)


class Assignment:
    """Gives waiting items to workers that have room for them.

    The accounts with the fewest running items come first, among them the one served longest ago;
    within an account the lowest priority number, then the oldest item. `lease` is how long a
    worker has an item without renewing.
    """

    def __init__(self, live: Live, lease: timedelta = LEASE) -> None:
        self._live = live
        self.lease = lease
        # Nothing waited for these when the last batch had given out what there was. What this
        # process adds, it knows; for what others add, and for what becomes due, it looks anew.
        self._nothing_for: list[Need] = []
        self._looks = 0

    def has_room(self) -> bool:
        """Whether a worker of this process takes more."""
        return any(session.lanes for session in self._live.sessions)

    def look_anew(self) -> None:
        """Have the next batch look for what waits: this process need not have heard of it."""
        self._looks += 1
        self._nothing_for = []

    async def fill(self, batch: Batch) -> None:
        """Give workers items until there are no more of either, as changes of a batch."""
        runs = State.EXECUTING
        stopped = {
            before.lease
            for before, after in batch.moved
            if before.state is runs and after.state is not runs
        }
        rooms = [
            _Room(each, [lane for lease, lane in each.held.items() if lease not in stopped])
            for each in self._live.sessions
        ]
        looks = self._looks
        nothing_before = [] if batch.queued_again() else self._nothing_for
        nothing_for = [] if batch.queued_new() else list(nothing_before)
        nothing_left = list(nothing_for)
        while open_rooms := [room for room in rooms if _may_get(room.need, nothing_for)]:
            need = max(open_rooms, key=lambda room: room.emptiness).need
            peers = [room for room in open_rooms if room.need == need]
            wanted = sum(room.free for room in peers)
            known = None if _may_get(need, nothing_before) else _only_new(batch)
            heads = await _heads(batch, need, wanted, known)
            placed = [self._place(batch, item, peers) for item in heads]
            if len(heads) < wanted or not any(placed):
                nothing_for.append(need)
                nothing_left += [need] * all(placed)
        batch.after_commit.append(partial(self._remember, nothing_left, looks))

    def _remember(self, nothing_for: list[Need], looks: int) -> None:
        if looks == self._looks:
            self._nothing_for = nothing_for

    def _place(self, batch: Batch, item: Item, rooms: Sequence[_Room]) -> bool:
        """Give an item to the emptiest worker, so that work spreads; False when none takes it."""
        takers = [room for room in rooms if item.lane in room.need[1]]
        if not takers:
            return False
        room = max(takers, key=lambda each: each.emptiness)
        room.held.append(item.lane)
        session = room.session
        deadline = session.deadline_of(item.kind)
        started = start(item, session.worker_id, session.stream_id, batch.now, self.lease, deadline)
        batch.change(started)
        batch.after_commit.append(partial(_hand_over, session, started))
        return True


def _hand_over(session: Session, started: Item) -> None:
    session.hold(started)
    session.tell(Assigned(started))


def _may_get(need: Need, nothing_for: Collection[Need]) -> bool:
    kinds, lanes = need
    return bool(lanes) and not any(
        kinds == other and lanes <= other_lanes for other, other_lanes in nothing_for
    )


def _only_new(batch: Batch) -> list[Waiting] | None:
    """Return the account of what the batch adds, as if nothing else waited; None for several
    accounts, whose turns are in the database."""
    new = batch.queued_new()
    names = {item.account_id for item in new}
    if len(names) > 1:
        return None
    return [Waiting(name, len(new), 0, batch.now) for name in names]


async def _heads(
    batch: Batch, need: Need, wanted: int, accounts: Sequence[Waiting] | None
) -> list[Item]:
    """Return up to so many items, locked, in the order in which they are to be given out.

    `accounts` are those that wait, where that is known.
    """
    if accounts is None:
        # More than are wanted: the order is by counts from before this batch.
        limit = wanted + len(batch.moved)
        accounts = await assigning.waiting_accounts(batch.tx, *need, batch.now, limit)
    turns = [(_running(batch, each), each.served_at, each.account_id) for each in accounts]
    heapify(turns)
    lines = _Lines(batch, need, accounts)
    heads: list[Item] = []
    while turns and len(heads) < wanted:
        running, _, account_id = turns[0]
        share = max((wanted - len(heads)) // len(turns), 1)
        item = await lines.take(account_id, share)
        if item is None:
            heappop(turns)
        else:
            heads.append(item)
            heapreplace(turns, (running + 1, batch.now, account_id))
    return heads


class _Lines:
    """What fits of each account, in the order in which it is to run."""

    def __init__(self, batch: Batch, need: Need, accounts: Iterable[Waiting]) -> None:
        self._batch = batch
        self._need = need
        self._queued = {account.account_id: account.queued for account in accounts}
        self._waiting: dict[str, deque[Item]] = defaultdict(deque)
        self._exhausted: set[str] = set()
        # The database still has them as queued.
        self._gone = {before.item_id for before, _ in batch.moved if before.state is State.QUEUED}
        self._gone_of = Counter(
            before.account_id for before, _ in batch.moved if before.state is State.QUEUED
        )

    async def take(self, account_id: str, share: int) -> Item | None:
        """Return an account's next item, locked; `share` is how many may be asked for yet."""
        waiting = self._waiting[account_id]
        if not waiting and account_id not in self._exhausted:
            most = share + self._gone_of[account_id]
            found = self._all_new(account_id)
            if found is None:
                found = await assigning.lock_heads(
                    self._batch.tx, account_id, *self._need, self._batch.now, most
                )
            if len(found) != most:
                self._exhausted.add(account_id)
            waiting.extend(
                item for item in self._batch.adopt(found) if item.item_id not in self._gone
            )
        if not waiting:
            return None
        item = waiting.popleft()
        self._gone.add(item.item_id)
        self._gone_of[account_id] += 1
        return item

    def _all_new(self, account_id: str) -> list[Item] | None:
        """Return what fits of an account that has nothing queued but what the batch added.

        Nobody else knows of these items, and they need not be read. None for other accounts.
        """
        queued = State.QUEUED
        new = [each for each in self._batch.added if each.account_id == account_id]
        new = [each for each in new if each.state is queued]
        if len(new) != self._queued[account_id]:
            return None
        kinds, lanes = self._need
        fitting = [each for each in new if each.kind in kinds and each.lane in lanes]
        return sorted(fitting, key=lambda each: each.priority)


def _running(batch: Batch, account: Waiting) -> int:
    """Return how many items of an account run, with the changes of the batch."""
    running = account.running
    for before, after in batch.moved:
        if after.account_id == account.account_id:
            running += (after.state is State.EXECUTING) - (before.state is State.EXECUTING)
    return running
