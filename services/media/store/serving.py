"""The outputs of tasks, by their addresses and by what made them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select

from services.chassis.database import Tx
from services.media.model.files import Output, OutputAddress
from services.media.model.outputs import KeptOutput, Usage
from services.media.store import accounting
from services.media.store.rows import kept_of
from services.media.store.tables import accounts, outputs

_ADD = insert(outputs)
_OF_ITEM = select(outputs).where(outputs.c.item_id == bindparam("item_id"))
_AT = (
    select(outputs, accounts.c.expiration_days)
    .join(accounts, outputs.c.account_id == accounts.c.account_id, isouter=True)
    .where(*(outputs.c[name] == bindparam(name) for name in ("account_id", "item_id", "file_name")))
)


async def delete_outputs(tx: Tx, item_id: str) -> list[str]:
    """Forget an item's outputs; return the keys of what nothing needs any more."""
    found = await find_outputs(tx, item_id)
    if not found:
        return []
    for account_id in {address.account_id for address in found.values()}:
        # Before the rows: whoever deletes an account's files begins with it as well.
        await accounting.lock_account(tx, account_id)
    gone = delete(outputs).where(outputs.c.item_id == item_id)
    keys = []
    for row in (await tx.execute(gone.returning(*outputs.c))).all():
        await accounting.count(tx, row.account_id, outputs=-row.size)
        keys.append(row.storage_key)
    return keys


async def insert_outputs(
    tx: Tx, account_id: str, item_id: str, made: Sequence[Output], lifetime: timedelta | None = None
) -> Usage:
    """Make files the outputs of an item; return what the account stores with them.

    Without a lifetime of their own they have the account's.
    """
    rows = [
        {
            "account_id": account_id,
            "item_id": item_id,
            "name": output.name,
            "ends_at": None if lifetime is None else output.file.stored_at + lifetime,
            **vars(output.file),
        }
        for output in made
    ]
    if rows:
        await tx.execute(_ADD, rows)
    return await accounting.count(tx, account_id, outputs=sum(each.file.size for each in made))


async def find_outputs(tx: Tx, item_id: str) -> dict[str, OutputAddress]:
    """The addresses of an item's visible outputs by their names in the result."""
    rows = await tx.execute(_OF_ITEM, {"item_id": item_id})
    return {row.name: OutputAddress(row.account_id, row.item_id, row.file_name) for row in rows}


async def find_output(tx: Tx, address: OutputAddress, at: datetime) -> KeptOutput | None:
    """The file that is served at an address then."""
    row = (await tx.execute(_AT, vars(address))).one_or_none()
    if row is None:
        return None
    kept = kept_of(row, row.expiration_days or 0)
    return kept if kept.ends_at is None or kept.ends_at > at else None
