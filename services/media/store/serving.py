"""The outputs of tasks, by their addresses."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from services.chassis.database import Tx
from services.media.model.files import Output, OutputAddress, StoredFile
from services.media.store.rows import file_of
from services.media.store.tables import outputs


async def delete_outputs(tx: Tx, item_id: str) -> list[str]:
    """Forget an item's outputs; return the keys of what nothing needs any more."""
    gone = delete(outputs).where(outputs.c.item_id == item_id)
    return list((await tx.scalars(gone.returning(outputs.c.storage_key))).all())


async def insert_outputs(tx: Tx, account_id: str, item_id: str, made: Sequence[Output]) -> None:
    """Make files the outputs of an item."""
    for output in made:
        row = insert(outputs).values(
            account_id=account_id, item_id=item_id, name=output.name, **vars(output.file)
        )
        await tx.execute(row)


async def find_outputs(tx: Tx, item_id: str) -> dict[str, OutputAddress]:
    """The addresses of an item's visible outputs by their names in the result."""
    rows = await tx.execute(select(outputs).where(outputs.c.item_id == item_id))
    return {row.name: OutputAddress(row.account_id, row.item_id, row.file_name) for row in rows}


async def find_output(tx: Tx, address: OutputAddress) -> StoredFile | None:
    """The file that is served at an address."""
    query = select(outputs).where(
        outputs.c.account_id == address.account_id,
        outputs.c.item_id == address.item_id,
        outputs.c.file_name == address.file_name,
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else file_of(row)
