"""How much waits and runs, from what is cheap to ask however much there is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text

from services.chassis.database import Tx
from services.tasks.model import Lane
from services.tasks.store.tables import QUEUED, WAITING, accounts, items

MOST_ACCOUNTS = 20
NEXT_IN_LINE = 200
OTHER = "other"


@dataclass
class Depth:
    """An account's items, or those of all others together.

    `oldest_seconds` looks at the items that are served next, up to 200 an account.
    """

    account_id: str
    running: int = 0
    queued: dict[Lane, int] = field(default_factory=lambda: dict.fromkeys(Lane, 0))
    oldest_seconds: dict[Lane, float] = field(default_factory=lambda: dict.fromkeys(Lane, 0.0))

    def add(self, row: Any, sign: int = 1) -> None:
        """Count an account's items with these."""
        self.running += sign * row.running
        self.queued[Lane.LONG] += sign * row.queued_long
        self.queued[Lane.SHORT] += sign * (row.queued - row.queued_long)

    def age(self, waits: Mapping[Lane, float]) -> None:
        """Note how long items have waited."""
        for lane, seconds in waits.items():
            self.oldest_seconds[lane] = max(self.oldest_seconds[lane], seconds)


async def depths(tx: Tx, now: datetime) -> Sequence[Depth]:
    """Return the depth of the accounts with the most items, and of the others together."""
    columns = (accounts.c.account_id, accounts.c.queued, accounts.c.queued_long, accounts.c.running)
    most = select(*columns).order_by((accounts.c.queued + accounts.c.running).desc())
    top = (await tx.execute(most.limit(MOST_ACCOUNTS))).all()
    totals = select(*(func.coalesce(func.sum(each), 0).label(each.name) for each in columns[1:]))
    other = Depth(OTHER)
    other.add((await tx.execute(totals)).one())
    found = []
    for row in top:
        other.add(row, -1)
        if row.queued or row.running:
            depth = Depth(row.account_id)
            depth.add(row)
            depth.age(await _waits(tx, row.account_id, now))
            found.append(depth)
    for account_id in await _unserved(tx, {row.account_id for row in top}):
        other.age(await _waits(tx, account_id, now))
    return [*found, other]


async def _unserved(tx: Tx, but: Collection[str]) -> Sequence[str]:
    """Return accounts that wait, those served longest ago first."""
    waiting = select(accounts.c.account_id).where(text(WAITING), accounts.c.account_id.not_in(but))
    first = waiting.order_by(accounts.c.running, accounts.c.served_at).limit(MOST_ACCOUNTS)
    return (await tx.scalars(first)).all()


async def _waits(tx: Tx, account_id: str, now: datetime) -> Mapping[Lane, float]:
    """Return how long the oldest of the items that an account is served next has waited."""
    line = (
        select(items.c.lane, items.c.queued_at)
        .where(text(QUEUED), items.c.account_id == account_id)
        .order_by(items.c.priority, items.c.position)
        .limit(NEXT_IN_LINE)
        .subquery()
    )
    oldest = select(line.c.lane, func.min(line.c.queued_at).label("since")).group_by(line.c.lane)
    return {
        Lane(row.lane): max((now - row.since).total_seconds(), 0.0)
        for row in await tx.execute(oldest)
    }
