"""Pages of items, for whoever runs the suite."""

from sqlalchemy import select, text

from services.chassis.database import Tx
from services.tasks.model import LEDGER, Item, State
from services.tasks.store.items import ITEM_COLUMNS, item_of
from services.tasks.store.tables import COMPLETED, EXECUTING, QUEUED, SPLIT, items

# What waits for its parts executes, for those who look.
_INDEXED = {State.QUEUED: QUEUED, State.EXECUTING: f"({EXECUTING} OR {SPLIT})"}


async def newest(
    tx: Tx,
    *,
    state: State | None,
    account_id: str,
    kind: str,
    before: int | None,
    limit: int,
    with_parts: bool = False,
) -> tuple[list[Item], int | None]:
    """Return the newest items older than a position that fit, newest first.

    An empty account or kind fits all; parts of items fit only `with_parts`. Also returns the
    position to go on from; None at the end.
    """
    query = select(items.c.position, *ITEM_COLUMNS)
    if state in _INDEXED:
        query = query.where(text(_INDEXED[state]))
    elif state is not None:
        query = query.where(text(COMPLETED), items.c.state == state)
    if not with_parts:
        query = query.where(items.c.owner != LEDGER)
    if account_id:
        query = query.where(items.c.account_id == account_id)
    if kind:
        query = query.where(items.c.kind == kind)
    if before is not None:
        query = query.where(items.c.position < before)
    rows = (await tx.execute(query.order_by(items.c.position.desc()).limit(limit + 1))).all()
    shown = rows[:limit]
    found = [item_of(row[1:]) for row in shown]
    return found, shown[-1].position if len(rows) > limit else None
