"""Items of work.

Locks are taken in one order, so that transactions never wait for each other in a ring: items
before accounts, items by position, accounts by id. New items come between the two; two repeats of
one submission wait for each other only when they name its items in different orders, and then
PostgreSQL ends one of them, which may be tried again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, exists, select, text

from services.chassis.database import Tx
from services.chassis.statements import padded
from services.tasks.model import Item
from services.tasks.store.tables import EXECUTING, items

ITEM_COLUMNS = [items.c[field.name] for field in fields(Item)]
_ITEMS = select(*ITEM_COLUMNS).order_by(items.c.position)
_NAMED = _ITEMS.where(items.c.item_id.in_(bindparam("ids", expanding=True)))
_NAMED_LOCKED = _NAMED.with_for_update()
# In the order of an index that has nothing else; SQLite reads the whole table for another one.
_HELD = select(*ITEM_COLUMNS).where(text(EXECUTING)).order_by(items.c.lease_until)


async def by_ids(tx: Tx, ids: Collection[str]) -> list[Item]:
    """Return the items that exist, oldest first."""
    return await _fetch(tx, _NAMED, {"ids": padded(ids)})


async def by_requests(tx: Tx, owner: str, request_ids: Collection[str]) -> list[Item]:
    """Return an owner's items by its names for them, oldest first."""
    named = items.c.request_id.in_(padded(request_ids))
    return await find_items(tx, (items.c.owner == owner) & named)


async def lock(tx: Tx, ids: Collection[str]) -> list[Item]:
    """Return the items that exist, oldest first; nobody else changes them until `tx` ends."""
    return await _fetch(tx, _NAMED_LOCKED, {"ids": padded(ids)})


async def lock_expired(tx: Tx, now: datetime, limit: int) -> list[Item]:
    """Return items whose lease ran out, locked; those locked by others are left out."""
    expired = _HELD.where(items.c.lease_until < now).limit(limit)
    return await _fetch(tx, expired.with_for_update(skip_locked=True))


async def any_expired(tx: Tx, now: datetime) -> bool:
    """Whether a lease has run out."""
    expired = exists().where(text(EXECUTING), items.c.lease_until < now)
    return bool(await tx.scalar(select(expired)))


async def executing_for(tx: Tx, worker_id: str) -> list[Item]:
    """Return the items that a worker has, by whatever stream."""
    return await _fetch(tx, _HELD.where(items.c.worker_id == worker_id))


async def ids_over(tx: Tx, stream_id: str) -> Sequence[str]:
    """Return the ids of the items that are held over a stream."""
    held = await tx.execute(_HELD.where(items.c.stream_id == stream_id))
    return [item_of(row).item_id for row in held]


async def lock_strays(tx: Tx, worker_id: str, stream_id: str) -> list[Item]:
    """Return the items that a worker has by another stream, locked.

    Those locked by others are left out: waiting for them here could wait in a ring.
    """
    strays = _HELD.where(items.c.worker_id == worker_id, items.c.stream_id != stream_id)
    return await _fetch(tx, strays.with_for_update(skip_locked=True))


def item_of(row: Sequence[Any]) -> Item:
    """Return the item that a row of `ITEM_COLUMNS` is."""
    return Item(*row)


async def find_items(tx: Tx, condition: ColumnElement[bool]) -> list[Item]:
    """Return the items of which a condition is true, oldest first."""
    return await _fetch(tx, _ITEMS.where(condition))


async def _fetch(
    tx: Tx, query: Select[Any], given: Mapping[str, object] | None = None
) -> list[Item]:
    return [item_of(row) for row in await tx.execute(query, given)]
