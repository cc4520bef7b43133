"""What attempts saved, to be gone on with by the attempt after a crash."""

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import bindparam, select, text, update

from services.chassis.database import Tx, insert
from services.tasks.model import Lease
from services.tasks.store.tables import EXECUTING, checkpoints, items


async def save(
    tx: Tx, states: Mapping[Lease, bytes], seal: Callable[[Lease, bytes], bytes]
) -> Sequence[Lease]:
    """Store the states of the attempts that still run and return these; the others' are dropped.

    What `seal` makes of a state is stored.
    """
    query = select(items.c.item_id, items.c.attempt).where(
        text(EXECUTING), items.c.item_id.in_([lease.item_id for lease in states])
    )
    rows = await tx.execute(query.order_by(items.c.position).with_for_update())
    running = [lease for row in rows if (lease := Lease(row.item_id, row.attempt)) in states]
    if not running:
        return []
    fresh = insert(tx, checkpoints)
    replacing = fresh.on_conflict_do_update(
        index_elements=["item_id"], set_={"state": fresh.excluded.state}
    )
    saved = [{"item_id": lease.item_id, "state": seal(lease, states[lease])} for lease in running]
    await tx.execute(replacing, saved)
    sizes = update(items).where(items.c.item_id == bindparam("id"))
    sizes = sizes.values(checkpoint_bytes=bindparam("size"))
    await tx.execute(
        sizes, [{"id": lease.item_id, "size": len(states[lease])} for lease in running]
    )
    return running


async def find(tx: Tx, item_id: str) -> bytes:
    """Return the last state that an attempt at the item saved, as it was stored; empty when none
    did."""
    state = await tx.scalar(select(checkpoints.c.state).where(checkpoints.c.item_id == item_id))
    return bytes(state or b"")
