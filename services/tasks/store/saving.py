"""Changed items, and how much of each account waits and runs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, bindparam, delete, func, update

from services.chassis.database import Tx, Utc
from services.chassis.statements import INSERTS
from services.tasks.model import TASKS, Item, Lane, State
from services.tasks.store import parts
from services.tasks.store.tables import accounts, checkpoints, items

NEVER = datetime.fromtimestamp(0, UTC)
_CHANGING = (
    "state",
    "attempt",
    "percent",
    "eta_seconds",
    "run_at",
    "started_at",
    "completed_at",
    "lease_until",
    "worker_id",
    "stream_id",
    "reported_attempt",
    "result",
    "error_message",
    "taken_at",
    "deadline_at",
    "last_failure",
    "checkpoint_bytes",
    "requeued",
    "earlier_attempts",
)
_CHANGE = (
    update(items)
    .where(items.c.item_id == bindparam("id"))
    .values({name: bindparam(name) for name in _CHANGING})
)
_COUNT = (
    update(accounts)
    .where(accounts.c.account_id == bindparam("id"))
    .values(
        queued=accounts.c.queued + bindparam("more_queued"),
        queued_long=accounts.c.queued_long + bindparam("more_long"),
        running=accounts.c.running + bindparam("more_running"),
        tasks_in_flight=accounts.c.tasks_in_flight + bindparam("more_tasks"),
        served_at=func.coalesce(bindparam("served", type_=Utc), accounts.c.served_at),
    )
)


def _counting_new(new: Callable[[Table], Any]) -> Any:
    fresh = new(accounts)
    counts = ("queued", "queued_long", "running", "tasks_in_flight")
    more = {name: accounts.c[name] + fresh.excluded[name] for name in counts}
    return fresh.on_conflict_do_update(index_elements=["account_id"], set_=more)


_COUNT_NEW = {dialect: _counting_new(new) for dialect, new in INSERTS.items()}


@dataclass
class _Counts:
    queued: int = 0
    long: int = 0
    running: int = 0
    tasks: int = 0
    served: datetime | None = None

    def add(self, item: Item, sign: int) -> None:
        """Count an item in its state, or out of it."""
        waits = item.state is State.QUEUED
        self.queued += sign * waits
        self.long += sign * (waits and item.lane is Lane.LONG)
        self.running += sign * (item.state is State.EXECUTING)
        self.tasks += sign * (item.owner == TASKS and not item.ended)


async def save(tx: Tx, changes: Sequence[tuple[Item, Item]]) -> None:
    """Store items (before, after), which are locked, each at most once, and the new counts."""
    if not changes:
        return
    rows: list[dict[str, Any]] = []
    for _, after in changes:
        fields = vars(after)
        row = {name: fields[name] for name in _CHANGING}
        row["id"] = after.item_id
        rows.append(row)
    await tx.execute(_CHANGE, rows)
    saved = [after.item_id for before, after in changes if after.ended and before.checkpoint_bytes]
    if saved:
        await tx.execute(delete(checkpoints).where(checkpoints.c.item_id.in_(saved)))
    split = [after for before, after in changes if before.split_percent != after.split_percent]
    if split:
        await parts.store_split(tx, split)
    await _count(tx, changes)


async def count_new(tx: Tx, added: Iterable[Item]) -> None:
    """Count new items with their accounts."""
    counted: dict[str, _Counts] = {}
    for item in added:
        counted.setdefault(item.account_id, _Counts()).add(item, 1)
    rows = [
        {
            "account_id": account_id,
            "queued": counts.queued,
            "queued_long": counts.long,
            "running": counts.running,
            "tasks_in_flight": counts.tasks,
            "served_at": NEVER,
        }
        for account_id, counts in sorted(counted.items())
    ]
    if rows:
        await tx.execute(_COUNT_NEW[tx.dialect.name], rows)


async def _count(tx: Tx, changes: Iterable[tuple[Item, Item]]) -> None:
    """Count changed items (before, after) with their accounts."""
    counted: dict[str, _Counts] = {}
    for before, after in changes:
        counts = counted.setdefault(after.account_id, _Counts())
        counts.add(after, 1)
        counts.add(before, -1)
        if after.attempt > before.attempt and after.taken_at:
            counts.served = max(counts.served or after.taken_at, after.taken_at)
    # All that count take the accounts in one order, and so never wait for each other in a ring.
    rows = [
        {
            "id": account_id,
            "more_queued": counts.queued,
            "more_long": counts.long,
            "more_running": counts.running,
            "more_tasks": counts.tasks,
            "served": counts.served,
        }
        for account_id, counts in sorted(counted.items())
        if counts != _Counts()
    ]
    if rows:
        await tx.execute(_COUNT, rows)
