"""Each replaceable part in each of its makes; a suite here runs on all of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.database import Database
from services.chassis.settings import Settings
from services.chassis.storage import Storage
from tests.contracts.shelf.store import metadata

MIGRATIONS = "tests.contracts.shelf.migrations"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with the schema of the shelf."""
    database = Database(database_url, metadata)
    await database.migrate(MIGRATIONS)
    yield database
    await database.close()


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[Database]:
    """The same on SQLite alone, where the engine makes no difference."""
    database = Database(sqlite_url, metadata)
    await database.migrate(MIGRATIONS)
    yield database
    await database.close()


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A storage; tests in the bucket share it, so they use keys of their own."""
    if request.param == "folder":
        return Storage(f"file://{tmp_path}/storage")
    return Storage(str(request.getfixturevalue("s3_url")))


@pytest.fixture(params=["broker", "kafka"])
def settings(request: pytest.FixtureRequest) -> Settings:
    """Settings that point at a broker: the embedded one, Apache Kafka."""
    return settings_for(str(request.getfixturevalue(request.param)))


def settings_for(kafka_servers: str) -> Settings:
    """Settings with a broker and made-up keys."""
    keys = {"internal_key": "i" * 32, "encryption_key": "e" * 32}
    return Settings.model_validate({"kafka_servers": kafka_servers, **keys})
