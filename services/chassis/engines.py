"""How the two kinds of databases are reached; for `database.py` only."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

# Only the recovery after a crash makes readers wait; they must not hold the event loop up.
READER_LOCK_SECONDS = 0.1


def postgres_engine(address: URL, busy_seconds: float) -> AsyncEngine:
    """Return an engine for a PostgreSQL server, waiting so long for a free connection."""
    return create_async_engine(
        address.set(drivername="postgresql+asyncpg"),
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=10,
        pool_timeout=busy_seconds,
        connect_args={"timeout": 5.0},
    )


def sqlite_writer(address: URL, busy_seconds: float) -> AsyncEngine:
    """Return an engine whose transactions take the write lock at once, or wait so long for it."""
    return _sqlite_engine(address, "BEGIN IMMEDIATE", busy_seconds, busy_seconds)


def sqlite_reader(address: URL, busy_seconds: float) -> AsyncEngine:
    """Return an engine for transactions that only read, in the event loop's own thread."""
    options = {"async_creator_fn": _in_the_loop}
    return _sqlite_engine(address, "BEGIN", READER_LOCK_SECONDS, busy_seconds, **options)


def _sqlite_engine(
    address: URL, begin_statement: str, lock_seconds: float, busy_seconds: float, **options: Any
) -> AsyncEngine:
    Path(address.database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        address.set(drivername="sqlite+aiosqlite"),
        # The driver would begin transactions by itself, and only before the first write.
        connect_args={"isolation_level": None, **options},
        pool_timeout=busy_seconds,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {int(lock_seconds * 1000)}",
            "journal_mode = wal",
            "synchronous = normal",
            "foreign_keys = on",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin_statement)

    return engine


class _InLoop(aiosqlite.Connection):
    """A connection that works where it is called, not in its thread.

    A read takes microseconds and in WAL mode waits for no writer, while the way to the thread and
    back costs far more, four times a statement.
    """

    async def _execute(
        self, fn: Callable[..., object], *arguments: object, **named: object
    ) -> object:
        return fn(*arguments, **named)


def _in_the_loop(database: str, **options: Any) -> _InLoop:
    def connect() -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(database, **options)
        return connection

    return _InLoop(connect, iter_chunk_size=64)
