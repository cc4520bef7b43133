"""What is to run next.

Only rows that wait are read, by indexes that hold nothing else: what ended, however much, costs
nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, exists, literal_column, select, text

from services.chassis.database import Tx
from services.tasks.model import Item, Lane
from services.tasks.store.items import ITEM_COLUMNS, item_of
from services.tasks.store.tables import FITTING, QUEUED, WAITING, accounts, items


@dataclass(frozen=True)
class Waiting:
    """An account that has items to run: how many wait and run, and when one was last started."""

    account_id: str
    queued: int
    running: int
    served_at: datetime


_FITS = (
    literal_column(f"items.{QUEUED}")
    & (items.c.run_at <= bindparam("now"))
    & items.c.kind.in_(bindparam("kinds", expanding=True))
    & items.c.lane.in_(bindparam("lanes", expanding=True))
)
_ACCOUNTS = (
    select(accounts.c.account_id, accounts.c.queued, accounts.c.running, accounts.c.served_at)
    .where(
        text(WAITING),
        exists().where(items.c.account_id == accounts.c.account_id, literal_column(FITTING), _FITS),
    )
    .order_by(accounts.c.running, accounts.c.served_at)
    .limit(bindparam("most"))
)
_HEADS = (
    select(*ITEM_COLUMNS)
    .where(items.c.account_id == bindparam("account_id"), _FITS)
    .order_by(items.c.priority, items.c.position)
    .limit(bindparam("most"))
    # What another replica is just taking is passed over instead of waited for.
    .with_for_update(skip_locked=True)
)
_DUE = (
    exists()
    .where(
        # By its account: SQLite would not use the index of what waits without one.
        items.c.account_id == accounts.c.account_id,
        literal_column(f"items.{QUEUED}"),
        items.c.run_at <= bindparam("now"),
    )
    .correlate(accounts)
)
_ANYTHING = select(accounts.c.account_id).where(text(WAITING), _DUE).limit(1)


async def anything_due(tx: Tx, now: datetime) -> bool:
    """Whether an item waits that may be started."""
    return await tx.scalar(_ANYTHING, {"now": now}) is not None


async def waiting_accounts(
    tx: Tx, kinds: Collection[str], lanes: Collection[Lane], now: datetime, most: int
) -> list[Waiting]:
    """Return the accounts that have items which fit: those with the fewest running ones first,
    among them the one served longest ago."""
    given = {"kinds": sorted(kinds), "lanes": sorted(lanes), "now": now, "most": most}
    return [Waiting(*row) for row in await tx.execute(_ACCOUNTS, given)]


async def lock_heads(
    tx: Tx,
    account_id: str,
    kinds: Collection[str],
    lanes: Collection[Lane],
    now: datetime,
    most: int,
) -> list[Item]:
    """Return an account's items that are to run next, locked: the lowest priority number first,
    then the oldest. Those locked by others are passed over."""
    given = {
        "account_id": account_id,
        "kinds": sorted(kinds),
        "lanes": sorted(lanes),
        "now": now,
        "most": most,
    }
    return [item_of(row) for row in await tx.execute(_HEADS, given)]
