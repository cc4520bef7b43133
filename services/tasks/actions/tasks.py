"""The use cases of the Tasks API: create tasks, look at them, wait for them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from services.chassis.database import Database
from services.chassis.errors import WrongState
from services.tasks.actions.allowance import Allowance
from services.tasks.actions.batch import Batch
from services.tasks.actions.following import Feed
from services.tasks.actions.live import Live
from services.tasks.actions.record import Recorder
from services.tasks.actions.writer import Writer
from services.tasks.model import Item, LimitReached, Submission, TaskRecord, queue
from services.tasks.sealing import Sealer
from services.tasks.store import expiry, idempotency, items
from services.tasks.store import tasks as records
from services.tasks.store.idempotency import NamedRequest

# Below the gateway's time for a call, of 15 minutes.
BLOCK_SECONDS = 600.0
MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class Task:
    """A task as the Tasks API sees it."""

    record: TaskRecord
    item: Item


@dataclass(frozen=True)
class Name:
    """What a client calls a request; `fingerprint` is the SHA-256 of what it asks, in hex."""

    account_id: str
    name: str
    fingerprint: str


class NameTaken(WrongState):
    """Another request has the name."""

    reason = "IdempotencyKeyReusedException"


class Tasks:
    """Queues tasks and follows them."""

    def __init__(
        self, db: Database, writer: Writer, recorder: Recorder, live: Live, sealer: Sealer
    ) -> None:
        self._sealer = sealer
        self._db = db
        self._writer = writer
        self._recorder = recorder
        self._live = live

    async def create(
        self,
        new: Sequence[tuple[Submission, TaskRecord]],
        name: Name | None = None,
        feed: Feed | None = None,
        allowance: Allowance | None = None,
    ) -> list[Task]:
        """Queue tasks, all or nothing; refused ones are recorded as ended.

        A repeat of a request by the same name returns the tasks that are there. A feed hears of
        the tasks from what is returned on. Raises NameTaken when another request has the name,
        LimitReached when there is an allowance and it does not suffice.
        """

        async def add(batch: Batch) -> list[str] | LimitReached:
            keys = [record.key for _, record in new]
            if allowance and not (name and await _known(batch, name)):
                try:
                    await allowance.take(batch, [work for work, _ in new])
                except LimitReached as reached:
                    # Raised here, it would undo what others do in this transaction.
                    return reached
            if name and (known := await _claim(batch, name, keys)):
                return known
            queued = [self._queued(work, batch.now) for work, _ in new]
            for item in await self._recorder.add(batch, queued):
                added[item.item_id] = item
            await records.add(batch.tx, [self._sealer.sealed_record(record) for _, record in new])
            return keys

        added: dict[str, Item] = {}
        if feed:
            # Before they are stored: some may be assigned in the same transaction.
            feed.follow(record.key for _, record in new)
        keys = await self._writer.change((), add)
        if isinstance(keys, LimitReached):
            raise keys
        if any(key not in added for key in keys):
            known = await (self.follow(keys, feed) if feed else self.find(keys))
            return [known[key] for key in keys if key in known]
        if feed:
            feed.begin(added.values())
        return [Task(record, added[record.key]) for _, record in new]

    @contextmanager
    def following(self) -> Iterator[Feed]:
        """Give a feed that follows nothing yet. Raises Unavailable when the process stops."""
        with self._live.feeds.following() as feed:
            yield feed

    async def follow(self, keys: Sequence[str], feed: Feed) -> Mapping[str, Task]:
        """Return the tasks that exist, by key; the feed hears of them from there on."""
        feed.follow(keys)
        found = await self.find(keys)
        feed.begin(task.item for task in found.values())
        return found

    async def ended(self, created: Sequence[Task]) -> list[Task]:
        """Return tasks that were just created as they are once none of them runs or waits, or
        after `BLOCK_SECONDS`. Raises Unavailable when the process stops before."""
        pending = {task.record.key: task for task in created if not task.item.ended}
        with self._live.watches.watching(pending) as watch:
            # Nothing ended meanwhile: an end takes another transaction of this process. Word of
            # one at another replica may have been missed; `look` finds those.
            await watch.wait(BLOCK_SECONDS)
        known = {key: Task(pending[key].record, item) for key, item in watch.ended.items()}
        if elsewhere := [key for key in pending if key not in known]:
            known |= await self.find(elsewhere)
        return [known.get(task.record.key, task) for task in created]

    async def find(self, keys: Sequence[str]) -> Mapping[str, Task]:
        """Return the tasks that exist, by key."""
        found: dict[str, tuple[TaskRecord, Item]] = {}
        for some in _pieces(keys):
            async with self._db.reading() as tx:
                found |= await records.by_keys(tx, some)
        # All at last: what is noted while other tasks are read must not be missed.
        return {
            key: Task(record, self._live.freshest(item)) for key, (record, item) in found.items()
        }

    async def wait(self, keys: Sequence[str]) -> None:
        """Return once none of the tasks runs or waits any more, unknown ones do not, or after
        `BLOCK_SECONDS`. Raises Unavailable when the process stops before."""
        with self._live.watches.watching(keys) as watch:
            await self._look_at(keys)
            await watch.wait(BLOCK_SECONDS)

    async def until(self, key: str, enough: Callable[[Item], bool]) -> Task | None:
        """Return a task once it ended or `enough` says so of it, or after `BLOCK_SECONDS`.

        Returns None for a key that no task has. Raises Unavailable when the process stops before.
        """
        with self._live.feeds.following() as feed:
            task = (await self.follow([key], feed)).get(key)
            return task and await self.followed(task, feed, enough)

    async def followed(self, task: Task, feed: Feed, enough: Callable[[Item], bool]) -> Task:
        """Return a task of which a feed hears as `until` does."""
        if task.item.ended or enough(task.item):
            return task
        with suppress(TimeoutError):
            async with asyncio.timeout(BLOCK_SECONDS):
                async for item in feed.news():
                    task = Task(task.record, item)
                    if enough(item):
                        break
        return task

    async def expired(self, keys: Sequence[str]) -> frozenset[str]:
        """Return those of the keys whose tasks were kept for as long as tasks are."""
        async with self._db.reading() as tx:
            return await expiry.among(tx, keys)

    async def look(self) -> None:
        """Look at what is waited for and followed: word of another replica may have been lost."""
        if self._db.is_sqlite:
            return  # there is no other
        if watched := self._live.watches.watched():
            await self._look_at(watched)
        await self._tell_of(self._live.feeds.followed())

    async def catch_up(self) -> None:
        """Look at what is followed and is said to have changed at another replica."""
        await self._tell_of(self._live.feeds.take_doubtful())

    async def _look_at(self, keys: Sequence[str]) -> None:
        for some in _pieces(keys):
            async with self._db.reading() as tx:
                found = await items.by_ids(tx, some)
            pending = {item.item_id for item in found if not item.ended}
            for key in some:
                if key not in pending:
                    self._live.watches.strike(key)

    async def _tell_of(self, keys: Sequence[str]) -> None:
        for some in _pieces(keys):
            async with self._db.reading() as tx:
                found = await items.by_ids(tx, some)
            for item in found:
                self._live.feeds.tell(self._live.freshest(item))

    def _queued(self, work: Submission, now: datetime) -> Item:
        item = queue(work, now)
        return self._sealer.sealed(item) if work.confidential else item


def _pieces(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the keys, as many at a time as are read at once: others get their turn between."""
    for start in range(0, len(keys), MOST_AT_ONCE):
        yield keys[start : start + MOST_AT_ONCE]


async def _known(batch: Batch, name: Name) -> bool:
    return await idempotency.find(batch.tx, name.account_id, name.name) is not None


async def _claim(batch: Batch, name: Name, keys: list[str]) -> list[str] | None:
    """Give a request its name; return the keys of its tasks when it has it already."""
    request = NamedRequest(name.account_id, name.name, name.fingerprint, keys, batch.now)
    known = await idempotency.claim(batch.tx, request)
    if known is None:
        return None
    if known.fingerprint != name.fingerprint:
        raise NameTaken("This Idempotency-Key was given to another request before.")
    return known.keys
