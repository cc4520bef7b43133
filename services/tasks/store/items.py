"""Items of work and their accounts.

Locks are taken in one order, so that transactions never wait for each other in a ring: items
before accounts, items by position, accounts by id. Only `submit` takes an account first, and it
touches no item that is already there.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Row,
    Select,
    bindparam,
    delete,
    exists,
    literal_column,
    select,
    text,
    tuple_,
    update,
)

from services.chassis.database import Tx, insert
from services.tasks.model import Item, Lane, State
from services.tasks.store.tables import EXECUTING, QUEUED, WAITING, accounts, checkpoints, items

NEVER = datetime.fromtimestamp(0, UTC)
ITEM_COLUMNS = [column for column in items.c if column.name != "position"]
CHANGING = (
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


async def submit(tx: Tx, new: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """Store the items whose (owner, account, request id) is not there yet.

    Returns all items as they are in the ledger, in the order of `new`, and those just stored.
    """
    ids = sorted({item.account_id for item in new})
    fresh_account = {"queued": 0, "queued_long": 0, "running": 0, "served_at": NEVER}
    rows = [{"account_id": account_id} | fresh_account for account_id in ids]
    await tx.execute(insert(tx, accounts).on_conflict_do_nothing(), rows)
    # Holding the accounts, no other submission of the same requests can run.
    lock = select(accounts.c.account_id).where(accounts.c.account_id.in_(ids))
    await tx.execute(lock.order_by(accounts.c.account_id).with_for_update())

    wanted = tuple_(items.c.owner, items.c.request_id, items.c.account_id)
    names = [_name(item) for item in new]
    known = {_name(item): item for item in await _fetch(tx, _items().where(wanted.in_(names)))}
    stored = {_name(item): item for item in reversed(new) if _name(item) not in known}
    added = list(reversed(stored.values()))
    if added:
        await tx.execute(items.insert(), [asdict(item) for item in added])
        queued = [item for item in added if item.state is State.QUEUED]
        counts = Counter(item.account_id for item in queued)
        longs = Counter(item.account_id for item in queued if item.lane is Lane.LONG)
        await _count(tx, counts, longs, Counter(), {})
    return [(known | stored)[name] for name in names], added


async def by_ids(tx: Tx, ids: Collection[str]) -> list[Item]:
    """Return the items that exist, oldest first."""
    return await _fetch(tx, _items().where(items.c.item_id.in_(ids)))


async def by_requests(tx: Tx, owner: str, request_ids: Collection[str]) -> list[Item]:
    """Return an owner's items by its names for them, oldest first."""
    return await _fetch(tx, _requested(owner, request_ids))


async def lock(tx: Tx, ids: Collection[str]) -> list[Item]:
    """Return the items that exist, oldest first; nobody else changes them until `tx` ends."""
    return await _fetch(tx, _items().where(items.c.item_id.in_(ids)).with_for_update())


async def lock_requests(tx: Tx, owner: str, request_ids: Collection[str]) -> list[Item]:
    """`by_requests`, and nobody else changes them until `tx` ends."""
    return await _fetch(tx, _requested(owner, request_ids).with_for_update())


async def anything_due(tx: Tx, now: datetime) -> bool:
    """Whether an item waits that may be started."""
    due = exists().where(text(QUEUED), items.c.run_at <= now)
    return bool(await tx.scalar(select(due)))


async def lock_next(
    tx: Tx, kinds: Collection[str], lanes: Collection[Lane], now: datetime
) -> Item | None:
    """Return the item that is to run next, locked; None when there is none that fits.

    Accounts with the fewest running items come first, among them the one served longest ago;
    within an account the lowest priority number, then the oldest item.
    """
    fits = (
        (items.c.account_id == accounts.c.account_id)
        & literal_column(f"items.{QUEUED}")
        & (items.c.run_at <= now)
        & items.c.kind.in_(kinds)
        & items.c.lane.in_(lanes)
    )
    head = (
        select(items.c.position)
        .where(fits)
        .order_by(items.c.priority, items.c.position)
        .limit(1)
        # What another replica is just taking is passed over instead of waited for.
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    first = (
        select(head)
        .select_from(accounts)
        .where(text(WAITING), exists().where(fits))
        .order_by(accounts.c.running, accounts.c.served_at)
        .limit(1)
    )
    position = await tx.scalar(first)
    found = await _fetch(tx, _items().where(items.c.position == position))
    return found[0] if found else None


async def lock_expired(tx: Tx, now: datetime, limit: int) -> list[Item]:
    """Return items whose lease ran out, locked; those locked by others are left out."""
    expired = _items().where(text(EXECUTING), items.c.lease_until < now).limit(limit)
    return await _fetch(tx, expired.with_for_update(skip_locked=True))


async def any_expired(tx: Tx, now: datetime) -> bool:
    """Whether a lease has run out."""
    expired = exists().where(text(EXECUTING), items.c.lease_until < now)
    return bool(await tx.scalar(select(expired)))


async def executing_for(tx: Tx, worker_id: str) -> list[Item]:
    """Return the items that a worker has, by whatever stream."""
    return await _fetch(tx, _items().where(text(EXECUTING), items.c.worker_id == worker_id))


async def lock_strays(tx: Tx, worker_id: str, stream_id: str) -> list[Item]:
    """Return the items that a worker has by another stream, locked.

    Those locked by others are left out: waiting for them here could wait in a ring.
    """
    strays = _items().where(
        text(EXECUTING), items.c.worker_id == worker_id, items.c.stream_id != stream_id
    )
    return await _fetch(tx, strays.with_for_update(skip_locked=True))


async def renew(tx: Tx, ids: Collection[str], stream_id: str, until: datetime) -> None:
    """Make the leases of locked items last until a moment and belong to a stream."""
    extended = {"lease_until": until, "stream_id": stream_id}
    await tx.execute(update(items).where(items.c.item_id.in_(ids)).values(extended))


async def shorten(tx: Tx, stream_id: str, until: datetime) -> None:
    """Let the leases of a stream end at a moment unless they end before."""
    of_stream = update(items).where(text(EXECUTING), items.c.stream_id == stream_id)
    await tx.execute(of_stream.where(items.c.lease_until > until).values(lease_until=until))


async def save(tx: Tx, changes: Sequence[tuple[Item, Item]], now: datetime) -> None:
    """Store changed items (before, after), which are locked, and the accounts' new counts."""
    queued: Counter[str] = Counter()
    longs: Counter[str] = Counter()
    running: Counter[str] = Counter()
    served: dict[str, datetime] = {}
    rows: list[dict[str, Any]] = []
    for before, after in changes:
        account = after.account_id
        rows.append({name: getattr(after, name) for name in CHANGING} | {"id": after.item_id})
        more = (after.state is State.QUEUED) - (before.state is State.QUEUED)
        queued[account] += more
        longs[account] += more * (after.lane is Lane.LONG)
        running[account] += (after.state is State.EXECUTING) - (before.state is State.EXECUTING)
        if after.attempt > before.attempt:
            served[account] = now
    if rows:
        changed = update(items).where(items.c.item_id == bindparam("id"))
        await tx.execute(changed, rows)
    saved = [after.item_id for before, after in changes if after.ended and before.checkpoint_bytes]
    if saved:
        await tx.execute(delete(checkpoints).where(checkpoints.c.item_id.in_(saved)))
    await _count(tx, queued, longs, running, served)


async def _count(
    tx: Tx,
    queued: Counter[str],
    longs: Counter[str],
    running: Counter[str],
    served: Mapping[str, datetime],
) -> None:
    for account_id in sorted(queued.keys() | running.keys()):
        changes: dict[str, Any] = {
            "queued": accounts.c.queued + queued[account_id],
            "queued_long": accounts.c.queued_long + longs[account_id],
            "running": accounts.c.running + running[account_id],
        }
        if account_id in served:
            changes["served_at"] = served[account_id]
        if queued[account_id] or running[account_id]:
            counted = update(accounts).where(accounts.c.account_id == account_id)
            await tx.execute(counted.values(changes))


def _items() -> Select[Any]:
    return select(*ITEM_COLUMNS).order_by(items.c.position)


def _requested(owner: str, request_ids: Collection[str]) -> Select[Any]:
    return _items().where(items.c.owner == owner, items.c.request_id.in_(request_ids))


def _name(item: Item) -> tuple[str, str, str]:
    return item.owner, item.request_id, item.account_id


async def _fetch(tx: Tx, query: Select[Any]) -> list[Item]:
    return [_item(row) for row in await tx.execute(query)]


def _item(row: Row[Any]) -> Item:
    return Item(**row._mapping)
