"""Which attempts at items of work are visible."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update

from services.chassis.database import Tx
from services.chassis.statements import INSERTS
from services.media.model.files import Attempt
from services.media.store.filing import delete_made_by
from services.media.store.parts import delete_part
from services.media.store.serving import delete_outputs
from services.media.store.tables import commits

_CLAIM = {
    dialect: new(commits).on_conflict_do_nothing().returning(commits.c.attempt)
    for dialect, new in INSERTS.items()
}


async def claim_commit(tx: Tx, attempt: Attempt, ask_at: datetime) -> int:
    """Make `attempt` the item's visible one unless a newer is; return which was visible before.

    0 stands for none. Until `tx` ends no other transaction can claim the same item.
    """
    values = {"item_id": attempt.item_id, "attempt": attempt.number, "ask_at": ask_at}
    if (await tx.execute(_CLAIM[tx.dialect.name], values)).one_or_none() is not None:
        return 0
    before = select(commits.c.attempt).where(commits.c.item_id == attempt.item_id)
    visible = (await tx.execute(before.with_for_update())).scalar_one()
    if visible < attempt.number:
        newer = update(commits).where(commits.c.item_id == attempt.item_id)
        await tx.execute(newer.values(values))
    return int(visible)


async def unsettled(tx: Tx, before: datetime, limit: int) -> list[Attempt]:
    """Visible attempts about which the ledger is to be asked before then."""
    query = select(commits).where(commits.c.ask_at <= before).order_by(commits.c.ask_at)
    return [Attempt(row.item_id, row.attempt) for row in await tx.execute(query.limit(limit))]


async def ask_later(tx: Tx, item_ids: Collection[str], at: datetime | None) -> None:
    """Set when the ledger is asked about items again; None for never."""
    await tx.execute(update(commits).where(commits.c.item_id.in_(item_ids)).values(ask_at=at))


async def withdraw(tx: Tx, attempt: Attempt) -> list[str]:
    """Forget an attempt's outputs if they are visible; return the keys of their objects."""
    visible = commits.c.item_id == attempt.item_id, commits.c.attempt == attempt.number
    mine = await tx.scalar(select(commits.c.item_id).where(*visible).with_for_update())
    if mine is None:
        return []
    await ask_later(tx, [mine], None)
    of_tasks = await delete_outputs(tx, mine)
    return of_tasks + await delete_part(tx, mine) + await delete_made_by(tx, mine)
