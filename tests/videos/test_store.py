"""The migrations make what the store expects."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from services.videos import store
from tests.videos.conftest import House


async def test_the_migrated_schema_is_the_stores(house: House) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), store.metadata))

    async with house.db.reading() as tx:
        assert await tx.run_sync(differences) == []
