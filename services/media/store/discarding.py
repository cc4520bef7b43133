"""Objects that nothing needs any more."""

from collections.abc import Collection

from sqlalchemy import bindparam, delete, select, union_all

from services.chassis import database
from services.chassis.database import Tx
from services.chassis.statements import padded
from services.media.store.tables import discarded, media, outputs, parts

_KNOWN = union_all(
    *(
        select(table.c.storage_key).where(
            table.c.storage_key.in_(bindparam("keys", expanding=True))
        )
        for table in (media, outputs, parts, discarded)
    )
)


async def discard(tx: Tx, storage_keys: Collection[str]) -> None:
    """Have objects deleted from storage; saying so twice is fine."""
    if storage_keys:
        row = database.insert(tx, discarded).on_conflict_do_nothing()
        await tx.execute(row, [{"storage_key": key} for key in storage_keys])


async def discarded_keys(tx: Tx, limit: int) -> list[str]:
    """Some of the objects that wait to be deleted from storage."""
    return list((await tx.scalars(select(discarded.c.storage_key).limit(limit))).all())


async def forget_discarded(tx: Tx, storage_keys: Collection[str]) -> None:
    """Note that discarded objects are gone from storage."""
    await tx.execute(delete(discarded).where(discarded.c.storage_key.in_(storage_keys)))


async def known_keys(tx: Tx, storage_keys: Collection[str]) -> set[str]:
    """Those of the keys that belong to a running upload, a stored file, a part or the discarded."""
    if not storage_keys:
        return set()
    return set((await tx.scalars(_KNOWN, {"keys": padded(storage_keys)})).all())
