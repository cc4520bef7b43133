"""The names that clients gave to requests, and the tasks that these made."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from services.chassis.database import Tx, insert
from services.tasks.store.tables import idempotency_keys


@dataclass(frozen=True)
class NamedRequest:
    """A request that its client named. `fingerprint` is the SHA-256 of what it asks, in
    hexadecimal; `keys` are those of its tasks, in order."""

    account_id: str
    name: str
    fingerprint: str
    keys: list[str]
    created_at: datetime


async def claim(tx: Tx, request: NamedRequest) -> NamedRequest | None:
    """Give the request its name; return the one that has it already, if any.

    Whoever asks for the same name meanwhile waits until `tx` ends.
    """
    fresh = insert(tx, idempotency_keys).values(vars(request)).on_conflict_do_nothing()
    claimed = await tx.execute(fresh.returning(idempotency_keys.c.name))
    if claimed.one_or_none() is not None:
        return None
    return await find(tx, request.account_id, request.name)


async def find(tx: Tx, account_id: str, name: str) -> NamedRequest | None:
    """Return an account's request by its name."""
    named = select(idempotency_keys).where(
        idempotency_keys.c.account_id == account_id, idempotency_keys.c.name == name
    )
    row = (await tx.execute(named)).one_or_none()
    return NamedRequest(**row._mapping) if row else None
