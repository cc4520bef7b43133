"""What the Tasks API keeps about items."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, fields

from sqlalchemy import bindparam, select

from services.chassis.database import Tx
from services.chassis.statements import padded
from services.tasks.model import Item, TaskRecord
from services.tasks.store.items import ITEM_COLUMNS, item_of
from services.tasks.store.tables import items, tasks

_RECORD_COLUMNS = [tasks.c[field.name] for field in fields(TaskRecord)]
_TASKS = (
    select(*_RECORD_COLUMNS, *ITEM_COLUMNS)
    .join(items, items.c.item_id == tasks.c.key)
    .where(tasks.c.key.in_(bindparam("keys", expanding=True)))
)
_ADD = tasks.insert()


async def add(tx: Tx, records: Sequence[TaskRecord]) -> None:
    """Store what the Tasks API keeps about items that are there."""
    await tx.execute(_ADD, [asdict(record) for record in records])


async def by_keys(tx: Tx, keys: Collection[str]) -> dict[str, tuple[TaskRecord, Item]]:
    """Return the tasks that exist, by key."""
    rows = await tx.execute(_TASKS, {"keys": padded(keys)})
    width = len(_RECORD_COLUMNS)
    return {row[0]: (TaskRecord(*row[:width]), item_of(row[width:])) for row in rows}
