"""The workers that are connected, whatever replica they are connected to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, text, update

from services.chassis.database import Tx, insert
from services.tasks.store.tables import EXECUTING, items, workers


@dataclass(frozen=True)
class WorkerRecord:
    """A connected worker. `stream_id` is the stream that has its name; `seen_at` when its replica
    last said that the stream is there."""

    worker_id: str
    stream_id: str
    kinds: Sequence[str]
    slots: int
    draining: bool
    seen_at: datetime


async def enter(tx: Tx, record: WorkerRecord) -> None:
    """Give a name to a worker's stream, whoever had it before."""
    values = dict(vars(record))
    fresh = insert(tx, workers).values(values)
    await tx.execute(fresh.on_conflict_do_update(index_elements=["worker_id"], set_=values))


async def enter_again(tx: Tx, record: WorkerRecord) -> None:
    """Give a name back to a stream that was forgotten, unless another stream has it by now."""
    fresh = insert(tx, workers).values(dict(vars(record)))
    await tx.execute(fresh.on_conflict_do_nothing())


async def leave(tx: Tx, stream_id: str) -> None:
    """Forget a stream's worker, unless another stream has its name by now."""
    await tx.execute(delete(workers).where(workers.c.stream_id == stream_id))


async def by_ids(tx: Tx, worker_ids: Collection[str]) -> Mapping[str, WorkerRecord]:
    """Return the workers with these names, by name."""
    rows = await tx.execute(select(workers).where(workers.c.worker_id.in_(worker_ids)))
    return {row.worker_id: WorkerRecord(**row._mapping) for row in rows}


async def seen_since(tx: Tx, moment: datetime) -> list[WorkerRecord]:
    """Return the workers that are connected, by name."""
    rows = await tx.execute(
        select(workers).where(workers.c.seen_at >= moment).order_by(workers.c.worker_id)
    )
    return [WorkerRecord(**row._mapping) for row in rows]


async def see(tx: Tx, stream_ids: Collection[str], moment: datetime) -> None:
    """Note that streams are there."""
    seen = update(workers).where(workers.c.stream_id.in_(stream_ids))
    await tx.execute(seen.values(seen_at=moment))


async def drain(tx: Tx, worker_ids: Collection[str]) -> None:
    """Note that workers take no more."""
    await tx.execute(
        update(workers).where(workers.c.worker_id.in_(worker_ids)).values(draining=True)
    )


async def forget(tx: Tx, before: datetime) -> None:
    """Forget the workers whose replica said nothing of them since a moment: it died."""
    await tx.execute(delete(workers).where(workers.c.seen_at < before))


async def items_of(tx: Tx) -> Mapping[str, list[str]]:
    """Return the ids of what executes, by worker."""
    query = select(items.c.worker_id, items.c.item_id).where(text(EXECUTING))
    found: dict[str, list[str]] = {}
    for row in await tx.execute(query.order_by(items.c.lease_until)):
        found.setdefault(row.worker_id, []).append(row.item_id)
    return found
