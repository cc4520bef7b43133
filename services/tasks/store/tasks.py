"""What the Tasks API keeps about items."""

from collections.abc import Collection, Sequence
from dataclasses import asdict

from sqlalchemy import select

from services.chassis.database import Tx
from services.tasks.model import Item, TaskRecord
from services.tasks.store.items import by_ids
from services.tasks.store.tables import tasks


async def add(tx: Tx, records: Sequence[TaskRecord]) -> None:
    """Store what the Tasks API keeps about items that are there."""
    await tx.execute(tasks.insert(), [asdict(record) for record in records])


async def by_keys(tx: Tx, keys: Collection[str]) -> dict[str, tuple[TaskRecord, Item]]:
    """Return the tasks that exist, by key."""
    found = {item.item_id: item for item in await by_ids(tx, keys)}
    rows = await tx.execute(select(tasks).where(tasks.c.key.in_(found)))
    records = (TaskRecord(**row._mapping) for row in rows)
    return {record.key: (record, found[record.key]) for record in records}
