"""Items whose time is over: attempts past their deadline, and ended items that are old."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, exists, select, text, tuple_

from services.chassis.database import Tx
from services.tasks.model import Item
from services.tasks.store import expiry
from services.tasks.store.items import ITEM_COLUMNS, item_of
from services.tasks.store.tables import (
    COMPLETED,
    EXECUTING,
    OVER,
    SPLIT,
    callbacks,
    checkpoints,
    idempotency_keys,
    items,
    outbox,
    parts,
    tasks,
)

# Each in the order of an index that has nothing else; SQLite reads the whole table for another.
_LASTING = ((EXECUTING, items.c.lease_until), (SPLIT, items.c.deadline_at))
# What a part made is wanted as long as its whole is kept.
_IS_NO_PART = ~exists().where(parts.c.item_id == items.c.item_id)


async def any_overdue(tx: Tx, moment: datetime) -> bool:
    """Whether an attempt, or the parts of an item, were to be over before a moment and are not."""
    for lasts, order in _LASTING:
        overdue = select(items.c.item_id).where(text(lasts), items.c.deadline_at < moment)
        if await tx.scalar(overdue.order_by(order).limit(1)) is not None:
            return True
    return False


async def lock_overdue(tx: Tx, moment: datetime, limit: int) -> list[Item]:
    """Return items whose attempt, or whose parts, were to be over before a moment, locked.

    Those locked by others are left out. There may be up to twice as many as `limit`.
    """
    found: list[Item] = []
    for lasts, order in _LASTING:
        overdue = select(*ITEM_COLUMNS).where(text(lasts), items.c.deadline_at < moment)
        query = overdue.order_by(order).limit(limit).with_for_update(skip_locked=True)
        found += [item_of(row) for row in await tx.execute(query)]
    return found


async def anything_old(tx: Tx, moment: datetime) -> bool:
    """Whether something is there that the functions below, or `callbacks.delete_over`, delete."""
    ended = exists().where(text(COMPLETED), items.c.completed_at < moment, _IS_NO_PART)
    named = exists().where(idempotency_keys.c.created_at < moment)
    called = exists().where(text(OVER), callbacks.c.ended_at < moment)
    oldest = select(outbox.c.time).order_by(outbox.c.id).limit(1).scalar_subquery()
    return bool(await tx.scalar(select(ended | named | called | (oldest < moment))))


async def delete_ended(tx: Tx, moment: datetime, limit: int) -> int:
    """Delete items that ended before a moment, with all that is kept about them; return how many.

    Those locked by others are left out.
    """
    query = _ended_before(moment, limit).with_for_update(skip_locked=True)
    ids = list(await tx.scalars(query))
    await expiry.remember(tx, ids, moment)
    for table, column in (
        # Its parts become items like others, and go next time.
        (parts, parts.c.whole_id),
        (tasks, tasks.c.key),
        (checkpoints, checkpoints.c.item_id),
        (items, items.c.item_id),
    ):
        await tx.execute(delete(table).where(column.in_(ids)))
    return len(ids)


async def delete_names(tx: Tx, moment: datetime, limit: int) -> int:
    """Delete the names of requests that were made before a moment; return how many were found."""
    name = tuple_(idempotency_keys.c.account_id, idempotency_keys.c.name)
    made_before = idempotency_keys.c.created_at < moment
    old = (
        select(idempotency_keys.c.account_id, idempotency_keys.c.name)
        .where(made_before)
        .order_by(idempotency_keys.c.created_at)
        .limit(limit)
    )
    found = [tuple(row) for row in await tx.execute(old)]
    # Somebody may just have given one to a new request.
    await tx.execute(delete(idempotency_keys).where(name.in_(found), made_before))
    return len(found)


async def delete_unsent(tx: Tx, moment: datetime, limit: int) -> int:
    """Delete events that wait since before a moment; return how many."""
    oldest = await tx.execute(select(outbox.c.id, outbox.c.time).order_by(outbox.c.id).limit(limit))
    ids = [row.id for row in oldest if row.time < moment]
    await tx.execute(delete(outbox).where(outbox.c.id.in_(ids)))
    return len(ids)


def _ended_before(moment: datetime, limit: int) -> Select[Any]:
    return (
        select(items.c.item_id)
        .where(text(COMPLETED), items.c.completed_at < moment, _IS_NO_PART)
        .order_by(items.c.completed_at)
        .limit(limit)
    )
