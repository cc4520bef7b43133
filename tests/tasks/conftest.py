"""The ledger on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from services.chassis.database import Database
from services.tasks.store.tables import metadata
from tests.tasks.desk import Clock, Desk
from tests.tasks.service import Service, serving


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of either kind."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """A database with the ledger's schema."""
    db = Database(database_url, metadata)
    await db.migrate("services.tasks.migrations")
    yield db
    await db.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(db: Database, clock: Clock) -> Desk:
    return Desk(db, clock)


@pytest.fixture
async def service(db: Database) -> AsyncIterator[Service]:
    """The whole service, running."""
    async with serving(db) as service:
        yield service
