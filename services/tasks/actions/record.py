"""Changes of items, stored in one transaction with the events that tell of them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from google.protobuf.message import Message

from services.chassis.database import Tx, on_commit
from services.chassis.events import Outbox
from services.tasks.actions.live import Live
from services.tasks.messages import event
from services.tasks.model import Item
from services.tasks.store import items


class Recorder:
    """The only writer of items: what it stores is announced, outside and inside the process."""

    def __init__(self, outbox: Outbox, live: Live) -> None:
        self._outbox = outbox
        self._live = live

    async def add(self, tx: Tx, new: Sequence[Item]) -> list[Item]:
        """Store items that are not there yet; return them as they are, in the order of `new`."""
        found, added = await items.submit(tx, new)
        await self._announce(tx, [(item, event(item, moved=True)) for item in added])
        on_commit(tx, self._live.stirred.set)
        return found

    async def change(self, tx: Tx, changes: Sequence[tuple[Item, Item]], now: datetime) -> None:
        """Store changes (before, after) of locked items."""
        await items.save(tx, changes, now)
        happened = [
            (after, event(after, moved=after.state is not before.state))
            for before, after in changes
        ]
        await self._announce(tx, happened)
        on_commit(tx, partial(self._live.changed, changes))

    async def _announce(self, tx: Tx, happened: Sequence[tuple[Item, tuple[str, Message]]]) -> None:
        by_topic: dict[str, list[tuple[str, Message]]] = defaultdict(list)
        for item, (topic, message) in happened:
            by_topic[topic].append((item.item_id, message))
        for topic, messages in by_topic.items():
            await self._outbox.append_all(tx, topic, messages)
