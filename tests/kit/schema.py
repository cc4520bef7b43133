"""Whether a service's migrations build the schema that its `store.py` declares."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from services.chassis.database import Database


async def drift(database: Database) -> list[Any]:
    """What a next migration would have to change; empty when there is nothing."""

    def compare(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), database.metadata))

    async with database.reading() as tx:
        return await tx.run_sync(compare)
