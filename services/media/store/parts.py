"""What parts of items made: kept until the item that was split has ended."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from services.chassis.database import Tx
from services.media.store.tables import commits, parts


async def insert_parts(
    tx: Tx, item_id: str, whole_id: str, storage_keys: Collection[str], ask_at: datetime
) -> None:
    """Keep what the item `item_id` made, which is a part of `whole_id`."""
    for key in storage_keys:
        row = {"storage_key": key, "item_id": item_id, "whole_id": whole_id, "ask_at": ask_at}
        await tx.execute(insert(parts).values(row))


async def delete_part(tx: Tx, item_id: str) -> list[str]:
    """Forget what a part made; return the keys of what nothing needs any more."""
    gone = delete(parts).where(parts.c.item_id == item_id)
    return list((await tx.scalars(gone.returning(parts.c.storage_key))).all())


async def unsettled_wholes(tx: Tx, before: datetime, limit: int) -> list[str]:
    """Ids of split items about which the ledger is to be asked before then."""
    oldest = func.min(parts.c.ask_at)
    query = select(parts.c.whole_id).group_by(parts.c.whole_id).having(oldest <= before)
    return list((await tx.scalars(query.order_by(oldest).limit(limit))).all())


async def ask_later(tx: Tx, whole_ids: Collection[str], at: datetime) -> None:
    """Set when the ledger is asked about split items again."""
    await tx.execute(update(parts).where(parts.c.whole_id.in_(whole_ids)).values(ask_at=at))


async def delete_parts_of(tx: Tx, whole_ids: Collection[str]) -> list[str]:
    """Forget what the parts of items made; return the keys of what nothing needs any more."""
    gone = delete(parts).where(parts.c.whole_id.in_(whole_ids))
    rows = (await tx.execute(gone.returning(parts.c.storage_key, parts.c.item_id))).all()
    await tx.execute(delete(commits).where(commits.c.item_id.in_({row.item_id for row in rows})))
    return [row.storage_key for row in rows]
