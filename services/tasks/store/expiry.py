"""The keys of tasks that are not kept any more."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, insert, literal, select

from services.chassis.database import Tx, Utc
from services.chassis.statements import padded
from services.tasks.store.tables import expired_keys, tasks


async def among(tx: Tx, keys: Collection[str]) -> frozenset[str]:
    """Return those of the keys, at least one, that tasks had."""
    found = select(expired_keys.c.key).where(expired_keys.c.key.in_(padded(keys)))
    return frozenset((await tx.scalars(found)).all())


async def remember(tx: Tx, ids: Collection[str], moment: datetime) -> None:
    """Remember the keys of items that are tasks and ended before a moment: they go now."""
    gone = select(tasks.c.key, literal(moment, Utc)).where(tasks.c.key.in_(ids))
    await tx.execute(insert(expired_keys).from_select(["key", "ended_before"], gone))


async def forget(tx: Tx, moment: datetime, limit: int) -> int:
    """Forget keys of tasks that ended before a moment; return how many."""
    old = (
        select(expired_keys.c.key)
        .where(expired_keys.c.ended_before < moment)
        .order_by(expired_keys.c.ended_before)
        .limit(limit)
    )
    keys = (await tx.scalars(old)).all()
    await tx.execute(delete(expired_keys).where(expired_keys.c.key.in_(keys)))
    return len(keys)
