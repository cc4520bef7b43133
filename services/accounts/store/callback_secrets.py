"""What the callbacks of accounts are signed with, encrypted."""

from datetime import datetime

import sqlalchemy as sa

from services.accounts.store.tables import callback_secrets
from services.chassis.database import Tx, insert


async def of_team(tx: Tx, team_id: str) -> str | None:
    """Return a team's secret, if it has one."""
    query = sa.select(callback_secrets.c.secret).where(callback_secrets.c.team_id == team_id)
    return await tx.scalar(query)


async def add(tx: Tx, team_id: str, secret: str, moment: datetime) -> None:
    """Give a team a secret, unless it has one."""
    values = {"team_id": team_id, "secret": secret, "made_at": moment}
    await tx.execute(insert(tx, callback_secrets).values(values).on_conflict_do_nothing())


async def replace(tx: Tx, team_id: str, secret: str, moment: datetime) -> None:
    """Give a team a secret in place of the one that it may have."""
    changes = {"secret": secret, "made_at": moment}
    fresh = insert(tx, callback_secrets).values(team_id=team_id, **changes)
    await tx.execute(fresh.on_conflict_do_update(index_elements=["team_id"], set_=changes))
