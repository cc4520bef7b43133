"""How much each account stores, and for how long."""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Row, Table, func, select, update

from services.chassis import database
from services.chassis.database import Tx
from services.chassis.statements import INSERTS
from services.media.model.outputs import Usage
from services.media.store.tables import accounts, media


def _counting(new: Callable[[Table], Any]) -> Any:
    row, numbers = new(accounts), ("media_bytes", "output_bytes")
    more = {name: accounts.c[name] + row.excluded[name] for name in numbers}
    counted = row.on_conflict_do_update(index_elements=[accounts.c.account_id], set_=more)
    return counted.returning(*(accounts.c[name] for name in numbers))


_COUNT = {dialect: _counting(new) for dialect, new in INSERTS.items()}


async def lock_account(tx: Tx, account_id: str) -> None:
    """Keep others from changing what the account stores until `tx` ends."""
    row = database.insert(tx, accounts).values(account_id=account_id)
    await tx.execute(row.on_conflict_do_nothing())
    mine = select(accounts).where(accounts.c.account_id == account_id)
    await tx.execute(mine.with_for_update())


async def usage(tx: Tx, account_id: str) -> Usage:
    """What an account stores; nothing for one that is not known."""
    query = select(accounts).where(accounts.c.account_id == account_id)
    row = (await tx.execute(query)).one_or_none()
    return Usage() if row is None else Usage(row.media_bytes, row.output_bytes)


async def used_bytes(tx: Tx, account_id: str) -> int:
    """Bytes of all that an account stores, and of what its running uploads have reserved."""
    return (await usage(tx, account_id)).stored_bytes


async def count(tx: Tx, account_id: str, *, media: int = 0, outputs: int = 0) -> Usage:
    """Add to what an account stores, in bytes, less than 0 for what goes; return what it is now.

    Locks it until `tx` ends.
    """
    more = {"account_id": account_id, "media_bytes": media, "output_bytes": outputs}
    return Usage(*(await tx.execute(_COUNT[tx.dialect.name], more)).one())


async def count_gone(tx: Tx, rows: Iterable[Row[tuple[object, ...]]]) -> None:
    """Count rows of `media` no more that `tx` has deleted."""
    gone: dict[str, int] = {}
    for row in rows:
        if row.team_id is not None:
            gone[row.team_id] = gone.get(row.team_id, 0) + counted(row)
    for account_id in sorted(gone):
        await count(tx, account_id, media=-gone[account_id])


def counted(row: Row[tuple[object, ...]]) -> int:
    """The bytes for which a row of `media` counts."""
    size: int | None = row.reserved if row.stored_at is None else row.size
    return size or 0


async def reserve_more(tx: Tx, storage_key: str, more: int) -> None:
    """Reserve more bytes for a running upload."""
    row = update(media).where(media.c.storage_key == storage_key, media.c.stored_at.is_(None))
    grown = row.values(reserved=func.coalesce(media.c.reserved, 0) + more)
    for account_id in (await tx.scalars(grown.returning(media.c.team_id))).all():
        if account_id is not None:
            await count(tx, account_id, media=more)


async def expiration_days(tx: Tx, account_id: str) -> int:
    """After how many days an account's outputs end; 0 for never."""
    query = select(accounts.c.expiration_days).where(accounts.c.account_id == account_id)
    return int((await tx.scalar(query)) or 0)


async def set_expiration_days(tx: Tx, account_id: str, days: int) -> None:
    """Say after how many days an account's outputs end; 0 for never."""
    row = database.insert(tx, accounts).values(account_id=account_id, expiration_days=days)
    changed = row.on_conflict_do_update(
        index_elements=[accounts.c.account_id], set_={"expiration_days": days}
    )
    await tx.execute(changed)
