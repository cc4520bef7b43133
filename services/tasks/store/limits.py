"""What accounts have used up of their limits."""

from datetime import datetime

from sqlalchemy import select, update

from services.chassis.database import Tx, insert
from services.tasks.model import Used
from services.tasks.store.saving import NEVER
from services.tasks.store.tables import accounts


async def lock(tx: Tx, account_id: str) -> Used:
    """Return what an account has used; nobody else uses more until `tx` ends."""
    # A row that is not there yet cannot be locked.
    fresh = {"account_id": account_id, "queued": 0, "running": 0, "served_at": NEVER}
    await tx.execute(insert(tx, accounts).values(fresh).on_conflict_do_nothing())
    used = select(accounts.c.tasks_in_flight, accounts.c.tasks_back_at)
    row = (
        await tx.execute(used.where(accounts.c.account_id == account_id).with_for_update())
    ).one()
    return Used(row.tasks_in_flight, row.tasks_back_at)


async def note(tx: Tx, account_id: str, back_at: datetime) -> None:
    """Note when all of the tasks that a locked account may create in a minute are back."""
    change = update(accounts).where(accounts.c.account_id == account_id)
    await tx.execute(change.values(tasks_back_at=back_at))
