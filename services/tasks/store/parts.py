"""The parts of items."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import case, delete, func, select, text, update

from services.chassis.database import Tx
from services.chassis.statements import padded
from services.tasks.model import Item, State, Tally
from services.tasks.store.items import ITEM_COLUMNS, item_of
from services.tasks.store.tables import OPEN_PART, SPLIT, items, parts

_FAILED = (State.ERROR, State.CANCELLED)
_OF_A_PART = parts.join(items, items.c.item_id == parts.c.item_id)


async def add(tx: Tx, whole_id: str, shares: Sequence[tuple[str, float]]) -> None:
    """Note that items are parts of another, in this order, and their shares of its work."""
    rows = [
        {"item_id": item_id, "whole_id": whole_id, "number": number, "share": share}
        for number, (item_id, share) in enumerate(shares)
    ]
    await tx.execute(parts.insert(), rows)


async def store_split(tx: Tx, changed: Collection[Item]) -> None:
    """Store that items, which are locked, were split, or that they begin anew without parts."""
    for item in changed:
        values = {"split_percent": item.split_percent, "priority": item.priority}
        await tx.execute(update(items).where(items.c.item_id == item.item_id).values(values))
    anew = [item.item_id for item in changed if item.split_percent is None]
    await tx.execute(delete(parts).where(parts.c.whole_id.in_(anew)))


async def tallies(tx: Tx, whole_ids: Collection[str]) -> Mapping[str, Tally]:
    """Return how far the parts of items are, by the id of the whole."""
    ended = case((items.c.completed_at.is_not(None), 1), else_=0)
    failed = case((items.c.state.in_(_FAILED), 1), else_=0)
    done = func.sum(parts.c.share * items.c.percent) / func.sum(parts.c.share)
    query = (
        select(
            parts.c.whole_id,
            func.count(),
            func.sum(ended),
            func.sum(failed),
            done,
            func.min(items.c.started_at),
        )
        .select_from(_OF_A_PART)
        .where(parts.c.whole_id.in_(padded(whole_ids)))
        .group_by(parts.c.whole_id)
    )
    return {row[0]: Tally(*row[1:]) for row in await tx.execute(query)}


async def open_ids(tx: Tx, whole_ids: Collection[str]) -> Sequence[str]:
    """Return the ids of the parts of items that have not ended."""
    query = select(parts.c.item_id).select_from(_OF_A_PART).where(items.c.completed_at.is_(None))
    found = await tx.scalars(query.where(parts.c.whole_id.in_(padded(whole_ids))))
    return found.all()


async def first_failed(tx: Tx, whole_id: str) -> Item:
    """Return the part of an item that ended badly first; there is one."""
    failed = items.c.state.in_(_FAILED)
    # One that was called off for another's sake tells less than that one.
    query = (
        select(*ITEM_COLUMNS).select_from(_OF_A_PART).where(parts.c.whole_id == whole_id, failed)
    )
    order = (items.c.state == State.CANCELLED, items.c.completed_at, parts.c.number)
    return item_of((await tx.execute(query.order_by(*order).limit(1))).one())


async def of(tx: Tx, whole_id: str) -> list[Item]:
    """Return the parts of an item, in order."""
    query = select(*ITEM_COLUMNS).select_from(_OF_A_PART).where(parts.c.whole_id == whole_id)
    return [item_of(row) for row in await tx.execute(query.order_by(parts.c.number))]


async def results(tx: Tx, whole_id: str) -> list[tuple[str, bytes]]:
    """Return the kind and the result of each part of an item, in order."""
    query = select(items.c.kind, items.c.result).select_from(_OF_A_PART)
    rows = await tx.execute(query.where(parts.c.whole_id == whole_id).order_by(parts.c.number))
    return [(row.kind, row.result) for row in rows]


async def waiting(tx: Tx) -> int:
    """Return how many items wait for their parts."""
    return await tx.scalar(select(func.count()).select_from(items).where(text(SPLIT))) or 0


async def unsettled(tx: Tx) -> set[str]:
    """Return the ids of the items that wait for their parts, and of those with parts that have
    not ended."""
    waiting = await tx.scalars(select(items.c.item_id).where(text(SPLIT)))
    running = select(parts.c.whole_id).select_from(_OF_A_PART).where(text(OPEN_PART))
    # In the order of an index that has nothing else; SQLite reads the whole table for another.
    return {*waiting, *await tx.scalars(running.order_by(items.c.item_id))}
