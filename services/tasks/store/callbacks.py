"""The calls that are owed to clients."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, exists, func, select, text, update

from services.chassis.database import Tx
from services.tasks.model.callbacks import Callback, CallbackState, Line
from services.tasks.store.tables import CLAIMED, OVER, OWED, callbacks

MOST_COUNTED = 100_000  # more would cost more than it tells

_COLUMNS = [callbacks.c[field.name] for field in fields(Callback)]
_ADD = callbacks.insert()
# An outcome that comes after others took the callback for lost is none: the attempt tells.
_NOTE = (
    update(callbacks)
    .where(
        callbacks.c.callback_id == bindparam("id"),
        callbacks.c.attempts == bindparam("attempt"),
        callbacks.c.state == CallbackState.WAITING,
    )
    .values(
        {
            name: bindparam(name)
            for name in ("state", "due_at", "claimed", "ended_at", "last_failure", "body")
        }
    )
)


def _lines() -> Select[Any]:
    """The lines that there are, and since when the first callback of each is due: a step from one
    to the next, however many callbacks are in each."""
    first = select(func.min(callbacks.c.line).label("line")).where(text(OWED))
    found = first.cte("found", recursive=True)
    following = select(func.min(callbacks.c.line)).where(
        text(OWED), callbacks.c.line > found.c.line
    )
    step = select(following.correlate(found).scalar_subquery()).where(found.c.line.is_not(None))
    found = found.union_all(step)
    due_at = (
        select(func.min(callbacks.c.due_at))
        .where(text(OWED), callbacks.c.line == found.c.line)
        .correlate(found)
        .scalar_subquery()
    )
    heads = select(found.c.line, due_at.label("due_at")).where(found.c.line.is_not(None)).subquery()
    return select(heads).where(heads.c.due_at <= bindparam("now")).order_by(heads.c.due_at)


_LINES = _lines()
# In the order of an index that has nothing else: what was delivered is not to be read.
_WAITING = select(callbacks.c.due_at).where(text(OWED))
_RUNNING = (
    select(callbacks.c.line, func.count().label("calls"))
    .where(text(CLAIMED), callbacks.c.due_at > bindparam("now"))
    .group_by(callbacks.c.line)
)
_earlier = callbacks.alias("earlier")
_IS_BLOCKED = exists().where(
    _earlier.c.key == callbacks.c.key,
    _earlier.c.position < callbacks.c.position,
    _earlier.c.state == CallbackState.WAITING,
)
_HEADS = (
    select(*_COLUMNS)
    .where(
        text(f"callbacks.{OWED}"),
        callbacks.c.line == bindparam("line"),
        callbacks.c.due_at <= bindparam("now"),
        ~_IS_BLOCKED,
    )
    .order_by(callbacks.c.due_at, callbacks.c.position)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=callbacks)
)


@dataclass(frozen=True)
class Backlog:
    """How many callbacks wait, counted up to a limit, and since when the oldest of them does."""

    count: int
    oldest: datetime | None


async def add(tx: Tx, new: Sequence[Callback]) -> None:
    """Store what is owed."""
    await tx.execute(_ADD, [asdict(callback) for callback in new])


async def any_due(tx: Tx, now: datetime) -> bool:
    """Whether a callback is to be tried, or was claimed so long ago that its process is lost."""
    first = await tx.scalar(_WAITING.order_by(callbacks.c.due_at).limit(1))
    return first is not None and first <= now


async def due_lines(tx: Tx, now: datetime) -> list[Line]:
    """Return the lines with callbacks that are due, the one due longest first."""
    return [Line(row.line, row.due_at) for row in await tx.execute(_LINES, {"now": now})]


async def running(tx: Tx, now: datetime) -> Mapping[str, int]:
    """Return how many calls run, by line."""
    return {row.line: row.calls for row in await tx.execute(_RUNNING, {"now": now})}


async def claim(tx: Tx, line: str, most: int, now: datetime, until: datetime) -> list[Callback]:
    """Claim up to so many callbacks of a line that are due, and return them.

    One whose task has an earlier one that waits is not due before that has ended.
    """
    given = {"line": line, "most": most, "now": now}
    heads = [Callback(*row) for row in await tx.execute(_HEADS, given)]
    named = callbacks.c.callback_id.in_([head.callback_id for head in heads])
    change = update(callbacks).where(named)
    if heads:
        attempts = callbacks.c.attempts + 1
        await tx.execute(change.values(claimed=True, due_at=until, attempts=attempts))
    return [replace(head, claimed=True, due_at=until, attempts=head.attempts + 1) for head in heads]


async def note(tx: Tx, outcomes: Sequence[Callback]) -> None:
    """Store what became of claimed callbacks; what others claimed since stays as it is."""
    rows = [
        {
            "id": each.callback_id,
            "attempt": each.attempts,
            "state": each.state,
            "due_at": each.due_at,
            "claimed": each.claimed,
            "ended_at": each.ended_at,
            "last_failure": each.last_failure,
            "body": each.body,
        }
        for each in outcomes
    ]
    if rows:
        await tx.execute(_NOTE, rows)


async def backlog(tx: Tx) -> Backlog:
    """Return how many wait, and since when."""
    waiting = select(callbacks.c.created_at).where(text(OWED)).order_by(callbacks.c.due_at)
    some = waiting.limit(MOST_COUNTED).subquery()
    row = (
        await tx.execute(select(func.count(), func.min(some.c.created_at)).select_from(some))
    ).one()
    return Backlog(row[0], row[1])


async def by_ids(tx: Tx, callback_ids: Collection[str]) -> list[Callback]:
    """Return the callbacks that exist, oldest first."""
    query = select(*_COLUMNS).where(callbacks.c.callback_id.in_(callback_ids))
    return [Callback(*row) for row in await tx.execute(query.order_by(callbacks.c.position))]


async def newest(
    tx: Tx,
    *,
    state: CallbackState | None,
    account_id: str,
    key: str,
    before: int | None,
    limit: int,
) -> tuple[list[Callback], int | None]:
    """Return the newest callbacks older than a position that fit, newest first.

    An empty account or key fits all. Also returns the position to go on from; None at the end.
    """
    query = select(callbacks.c.position, *_COLUMNS)
    if state is CallbackState.WAITING:
        query = query.where(text(OWED))
    elif state is not None:
        query = query.where(callbacks.c.state == state)
    if account_id:
        query = query.where(callbacks.c.account_id == account_id)
    if key:
        query = query.where(callbacks.c.key == key)
    if before is not None:
        query = query.where(callbacks.c.position < before)
    rows = (await tx.execute(query.order_by(callbacks.c.position.desc()).limit(limit + 1))).all()
    shown = rows[:limit]
    more = shown[-1].position if len(rows) > limit else None
    return [Callback(*row[1:]) for row in shown], more


async def retry(tx: Tx, callback_ids: Collection[str], now: datetime, give_up_at: datetime) -> None:
    """Make callbacks due at once that wait for their next try or were given up."""
    again = update(callbacks).where(
        callbacks.c.callback_id.in_(callback_ids),
        func.length(callbacks.c.body) > 0,
        (~callbacks.c.claimed) | (callbacks.c.due_at <= now),
    )
    await tx.execute(
        again.values(state=CallbackState.WAITING, due_at=now, give_up_at=give_up_at, ended_at=None)
    )


async def delete_over(tx: Tx, moment: datetime, limit: int) -> int:
    """Delete callbacks that ended before a moment; return how many."""
    over = (
        select(callbacks.c.callback_id)
        .where(text(OVER), callbacks.c.ended_at < moment)
        .order_by(callbacks.c.ended_at)
        .limit(limit)
    )
    ids = (await tx.scalars(over)).all()
    still_over = callbacks.c.ended_at < moment
    await tx.execute(callbacks.delete().where(callbacks.c.callback_id.in_(ids), still_over))
    return len(ids)
