"""What is remembered against guessing and replaying: failed sign-ins and used signatures."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.accounts.store.tables import failed_sign_ins, used_signatures
from services.chassis.database import Tx, insert


@dataclass(frozen=True)
class Failures:
    """Failed sign-ins in a row, and when the last one was."""

    count: int
    last_at: datetime


async def failures_of(tx: Tx, subjects: Iterable[str]) -> dict[str, Failures]:
    """Return the failures by subject; no entry for a subject without any."""
    query = failed_sign_ins.select().where(failed_sign_ins.c.subject.in_(list(subjects)))
    return {row.subject: Failures(row.failures, row.last_at) for row in await tx.execute(query)}


async def add_failure(tx: Tx, subject: str, moment: datetime) -> None:
    """Count one more failure of a subject."""
    row = {"subject": subject, "failures": 1, "last_at": moment}
    counted = {"failures": failed_sign_ins.c.failures + 1, "last_at": moment}
    change = insert(tx, failed_sign_ins).values(row)
    await tx.execute(change.on_conflict_do_update(index_elements=["subject"], set_=counted))


async def forget_failures(tx: Tx, subject: str) -> None:
    """Forget the failures of a subject."""
    await tx.execute(failed_sign_ins.delete().where(failed_sign_ins.c.subject == subject))


async def forget_failures_before(tx: Tx, moment: datetime) -> None:
    """Forget the subjects whose last failure was before a moment."""
    await tx.execute(failed_sign_ins.delete().where(failed_sign_ins.c.last_at < moment))


async def use_signature(tx: Tx, signature: str, moment: datetime) -> bool:
    """Remember a signature. Returns False when it was used before."""
    row = {"signature": signature, "used_at": moment}
    result = await tx.execute(insert(tx, used_signatures).values(row).on_conflict_do_nothing())
    return bool(result.rowcount)


async def forget_signatures_before(tx: Tx, moment: datetime) -> None:
    """Forget the signatures that were used before a moment."""
    await tx.execute(used_signatures.delete().where(used_signatures.c.used_at < moment))
