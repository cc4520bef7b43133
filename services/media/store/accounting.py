"""How much each account stores."""

from sqlalchemy import case, func, select, update

from services.chassis import database
from services.chassis.database import Tx
from services.media.store.tables import accounts, media, outputs


async def lock_account(tx: Tx, account_id: str) -> None:
    """Keep others from reserving storage for the account until `tx` ends."""
    row = database.insert(tx, accounts).values(account_id=account_id)
    await tx.execute(row.on_conflict_do_nothing())
    mine = select(accounts).where(accounts.c.account_id == account_id)
    await tx.execute(mine.with_for_update())


async def used_bytes(tx: Tx, account_id: str) -> int:
    """Bytes of all that an account stores, and of what its running uploads have reserved."""
    counted = case((media.c.stored_at.is_(None), media.c.reserved), else_=media.c.size)
    videos = select(func.coalesce(func.sum(counted), 0)).where(media.c.team_id == account_id)
    tasks = select(func.coalesce(func.sum(outputs.c.size), 0)).where(
        outputs.c.account_id == account_id
    )
    return int((await tx.scalar(videos)) or 0) + int((await tx.scalar(tasks)) or 0)


async def reserve_more(tx: Tx, storage_key: str, more: int) -> None:
    """Reserve more bytes for a running upload."""
    row = update(media).where(media.c.storage_key == storage_key, media.c.stored_at.is_(None))
    await tx.execute(row.values(reserved=func.coalesce(media.c.reserved, 0) + more))
