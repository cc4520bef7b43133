from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from services.chassis.database import Database
from services.tasks.store.tables import metadata


async def test_the_migrations_make_the_schema_that_the_queries_expect(db: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with db.transaction() as tx:
        assert await tx.run_sync(differences) == []
