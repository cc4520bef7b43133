"""Changes of items, stored in one transaction with the events that tell of them."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from google.protobuf.message import Message

from services.chassis.database import Tx, on_commit
from services.chassis.events import Outbox
from services.tasks import metrics
from services.tasks.actions.batch import Batch
from services.tasks.actions.live import Live
from services.tasks.actions.owing import Owing
from services.tasks.actions.replicas import Replicas
from services.tasks.messages import event
from services.tasks.model import LEDGER, Item
from services.tasks.store import intake, saving


class Recorder:
    """The only writer of items: what it stores is announced, outside and inside the suite."""

    def __init__(self, outbox: Outbox, live: Live, replicas: Replicas, owing: Owing) -> None:
        self._outbox = outbox
        self._live = live
        self._replicas = replicas
        self._owing = owing

    async def add(self, batch: Batch, new: Sequence[Item]) -> list[Item]:
        """Store items that are not there yet; return them as they are, in the order of `new`."""
        found, added = await intake.submit(batch.tx, new)
        batch.added += added
        return found

    async def store(self, batch: Batch) -> None:
        """Store what a batch changes, announce this and what it added, and owe calls for ends."""
        await saving.save(batch.tx, batch.changes())
        moved = batch.moved
        # Of parts nobody else knows: what they do is told as the progress of their whole.
        happened = [(item, event(item, moved=True)) for item in batch.added if item.owner != LEDGER]
        happened += [
            (after, event(after, moved=after.shown_state is not before.shown_state))
            for before, after in moved
            if after.owner != LEDGER
        ]
        await self._publish(batch.tx, happened)
        await self._owing.note(batch)
        await self._replicas.tell_changed(batch.tx, moved, stirred=batch.leaves_new())
        on_commit(batch.tx, partial(self._live.changed, moved))
        on_commit(batch.tx, partial(metrics.count, moved, batch.now))

    async def _publish(self, tx: Tx, happened: Sequence[tuple[Item, tuple[str, Message]]]) -> None:
        by_topic: dict[str, list[tuple[str, Message]]] = defaultdict(list)
        for item, (topic, message) in happened:
            by_topic[topic].append((item.item_id, message))
        for topic, messages in by_topic.items():
            await self._outbox.append_all(tx, topic, messages)
