"""What an account has of its tasks' outputs: looking through it, deleting some, ending the old."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, tuple_

from services.chassis.database import Tx
from services.media.model.files import OutputAddress
from services.media.model.outputs import KeptOutput, Selection
from services.media.store import accounting
from services.media.store.rows import kept_of
from services.media.store.tables import accounts, outputs

Cursor = tuple[str, str]
"""Where a page ended: item and file name of the last output."""

START: Cursor = ("", "")

_place = tuple_(outputs.c.item_id, outputs.c.file_name)


async def selected(
    tx: Tx, account_id: str, selection: Selection, at: datetime, after: Cursor, limit: int
) -> list[KeptOutput]:
    """Outputs of an account that have not ended then, in the order of their paths."""
    days = await accounting.expiration_days(tx, account_id)
    query = (
        select(outputs)
        .where(outputs.c.account_id == account_id, *_conditions(selection), _lives(days, at))
        .where(_place > tuple_(*after))
        .order_by(outputs.c.item_id, outputs.c.file_name)
        .limit(limit)
    )
    return [kept_of(row, days) for row in await tx.execute(query)]


async def at_addresses(
    tx: Tx, account_id: str, addresses: Sequence[OutputAddress], at: datetime
) -> list[KeptOutput]:
    """Outputs of an account that have not ended then, by addresses of its own, in their order."""
    days = await accounting.expiration_days(tx, account_id)
    places = [(address.item_id, address.file_name) for address in addresses]
    query = select(outputs).where(
        outputs.c.account_id == account_id, _place.in_(places), _lives(days, at)
    )
    found = [kept_of(row, days) for row in await tx.execute(query)]
    by_address = {output.address: output for output in found}
    return [by_address[address] for address in addresses if address in by_address]


async def directories(tx: Tx, account_id: str, at: datetime, after: str, limit: int) -> list[str]:
    """The items of an account with outputs that have not ended then, in order."""
    days = await accounting.expiration_days(tx, account_id)
    query = (
        select(outputs.c.item_id)
        .where(outputs.c.account_id == account_id, outputs.c.item_id > after, _lives(days, at))
        .distinct()
        .order_by(outputs.c.item_id)
    )
    return list((await tx.scalars(query.limit(limit))).all())


async def ended(tx: Tx, account_id: str, at: datetime, limit: int) -> list[KeptOutput]:
    """Outputs of an account that have ended by then."""
    days = await accounting.expiration_days(tx, account_id)
    # One query each: an index serves either.
    ways = [outputs.c.ends_at <= at]
    if days:
        old = outputs.c.stored_at <= at - timedelta(days=days)
        ways.append(and_(outputs.c.ends_at.is_(None), old))
    found: list[KeptOutput] = []
    for way in ways:
        query = select(outputs).where(outputs.c.account_id == account_id, way)
        rows = await tx.execute(query.limit(limit - len(found)))
        found += [kept_of(row, days) for row in rows]
    return found


async def accounts_with_ended(tx: Tx, at: datetime, limit: int) -> list[str]:
    """Accounts with outputs whose own lifetime has ended by then."""
    oldest = select(outputs.c.account_id).where(outputs.c.ends_at <= at)
    some = oldest.order_by(outputs.c.ends_at).limit(limit).subquery()
    return list((await tx.scalars(select(some.c.account_id).distinct())).all())


async def accounts_with_expiration(tx: Tx, after: str, limit: int) -> list[str]:
    """Accounts whose outputs end, in the order of their ids."""
    query = select(accounts.c.account_id).where(
        accounts.c.expiration_days > 0, accounts.c.account_id > after
    )
    return list((await tx.scalars(query.order_by(accounts.c.account_id).limit(limit))).all())


async def remove(tx: Tx, account_id: str, gone: Sequence[KeptOutput]) -> None:
    """Forget outputs of an account that is locked, and count them no more."""
    keys = [output.file.storage_key for output in gone]
    await tx.execute(delete(outputs).where(outputs.c.storage_key.in_(keys)))
    await accounting.count(tx, account_id, outputs=-sum(output.file.size for output in gone))


def _conditions(selection: Selection) -> list[ColumnElement[bool]]:
    made = outputs.c.stored_at
    wanted: list[tuple[Callable[[Any], ColumnElement[bool]], object]] = [
        (outputs.c.item_id.__eq__, selection.spot.item_id),
        (outputs.c.file_name.__eq__, selection.spot.file_name),
        (made.__ge__, selection.since),
        (made.__le__, selection.until),
        (made.__lt__, selection.before),
    ]
    return [condition(value) for condition, value in wanted if value is not None]


def _lives(days: int, at: datetime) -> ColumnElement[bool]:
    lasting: ColumnElement[bool] = outputs.c.ends_at.is_(None)
    if days:
        lasting = and_(lasting, outputs.c.stored_at > at - timedelta(days=days))
    return or_(outputs.c.ends_at > at, lasting)
