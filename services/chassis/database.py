"""The one door to SQLAlchemy besides the services' `store.py` files."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import DateTime, MetaData
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeDecorator

Tx = AsyncConnection
"""A running transaction; what `store.py` functions take as their first argument."""


def now() -> datetime:
    """The present moment in UTC, timezone-aware."""
    return datetime.now(UTC)


class Utc(TypeDecorator[datetime]):
    """A column of timezone-aware moments, in UTC on both engines."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments; store UTC."""
        raise NotImplementedError

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC back."""
        raise NotImplementedError


def on_commit(tx: Tx, callback: Callable[[], None]) -> None:
    """Call `callback` once `tx` is committed; never when it is rolled back."""
    raise NotImplementedError


def run_migrations(metadata: MetaData) -> None:
    """The whole of a service's `migrations/env.py`: apply the versions beside it."""
    raise NotImplementedError


class Database:
    """One service's database, SQLite or PostgreSQL by its URL."""

    def __init__(self, url: str, metadata: MetaData) -> None:
        self.metadata = metadata
        self.is_sqlite = url.startswith("sqlite:")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A read-write transaction: commits at the end, rolls back on an exception."""
        raise NotImplementedError
        yield

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """A read-only transaction that sees one moment of the database."""
        raise NotImplementedError
        yield

    async def migrate(self, package: str) -> None:
        """Bring the schema to the newest version, e.g. of "services.accounts.migrations"."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close every connection."""
        raise NotImplementedError
