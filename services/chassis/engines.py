"""How the two kinds of databases are reached; for `database.py` only."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import aiosqlite
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

# Only the recovery after a crash makes readers wait; they must not hold the event loop up.
READER_LOCK_SECONDS = 0.1
WRITE = "BEGIN IMMEDIATE"

# A look-up in a large table meets another page of its index each time; by default nearly all of
# them would be read from the file again.
CACHE_KIBIBYTES = 64 * 1024

# SQLSTATE classes of PostgreSQL that say "not now" instead of "never like that": connection
# trouble, rolled back by a deadlock, out of resources, operator intervention (a shutdown).
_PASSING_STATES = ("08", "40", "53", "57")
_PASSING_CODES = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
)

_stopping: set[asyncio.Future[Any]] = set()


async def all_stopped() -> None:
    """Return once the connections that are being closed are closed, waited for or not."""
    loop = asyncio.get_running_loop()
    if of_this_loop := [each for each in _stopping if each.get_loop() is loop]:
        await asyncio.wait(of_this_loop)


def postgres_engine(address: URL, busy_seconds: float) -> AsyncEngine:
    """Return an engine for a PostgreSQL server, waiting so long for a free connection."""
    engine = create_async_engine(
        address.set(drivername="postgresql+asyncpg"),
        pool_size=10,
        max_overflow=10,
        pool_timeout=busy_seconds,
        connect_args={"timeout": 5.0},
    )

    # The driver knows when a server went away; to ask the server each time is a round trip.
    @event.listens_for(engine.sync_engine, "checkout")
    def still_open(connection: DBAPIConnection, *_: object) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError

    return engine


def sqlite_writer(address: URL, busy_seconds: float) -> AsyncEngine:
    """Return an engine whose transactions take the write lock at once, or wait so long for it.

    What is committed outlives a power cut.
    """
    return _sqlite_engine(address, _Writing, WRITE, busy_seconds, busy_seconds)


def sqlite_reader(address: URL, busy_seconds: float) -> AsyncEngine:
    """Return an engine for transactions that only read, in the event loop's own thread."""
    return _sqlite_engine(address, _InLoop, "BEGIN", READER_LOCK_SECONDS, busy_seconds)


def _sqlite_engine(
    address: URL,
    kind: type["SqliteConnection"],
    begin_statement: str,
    lock_seconds: float,
    busy_seconds: float,
) -> AsyncEngine:
    Path(address.database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        address.set(drivername="sqlite+aiosqlite"),
        # The driver would begin transactions by itself, and only before the first write.
        connect_args={
            "isolation_level": None,
            "check_same_thread": False,
            "async_creator_fn": kind.to,
        },
        pool_timeout=busy_seconds,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.driver_connection.lock_seconds = lock_seconds
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {int(lock_seconds * 1000)}",
            "journal_mode = wal",
            "synchronous = full",
            "foreign_keys = on",
            f"cache_size = -{CACHE_KIBIBYTES}",
            *kind.at_last,
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        _begin(connection, begin_statement)

    return engine


def _begin(connection: Connection, statement: str) -> None:
    """Begin without the library's care for statements and results, which takes longer."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement)
    except sqlite3.Error as error:
        raise DBAPIError.instance(statement, (), error, sqlite3.Error) from error
    finally:
        cursor.close()


class SqliteConnection(aiosqlite.Connection):
    """A connection that may be stopped twice.

    SQLAlchemy does so when a task is cancelled while its connection closes. The driver's thread
    ends at the first stop and would never answer the second one, whose task would wait for ever.
    """

    lock_seconds = 0.0
    """How long it waits for others' locks."""
    at_last: tuple[str, ...] = ()
    """What is set when all else is set up."""

    _stopped: asyncio.Future[Any] | None = None

    @classmethod
    def to(cls, database: str, **options: Any) -> Self:
        """Return a connection that is not open yet."""

        def connect() -> sqlite3.Connection:
            connection: sqlite3.Connection = sqlite3.connect(database, **options)
            return connection

        return cls(connect, iter_chunk_size=64)

    def stop(self) -> asyncio.Future[Any] | None:
        """Have the connection closed; the answer comes once its thread has ended."""
        if self._stopped is None and (stopped := super().stop()):
            self._stopped = stopped
            _stopping.add(stopped)
            stopped.add_done_callback(_stopping.discard)
        return self._stopped


class _InLoop(SqliteConnection):
    """A connection that works where it is called, not in its thread.

    A read takes microseconds and in WAL mode waits for no writer, while the way to the thread and
    back costs far more, four times a statement.
    """

    async def _execute(
        self, fn: Callable[..., object], *arguments: object, **named: object
    ) -> object:
        return fn(*arguments, **named)


class _Writing(SqliteConnection):
    """A connection that uses its thread only where it waits: for the write lock and for the disk.

    What lies between the two changes pages in memory, which takes microseconds. The lock is mostly
    free: the writers of a process take turns.
    """

    at_last = ("busy_timeout = 0",)
    _is_at_rest = True

    async def _execute(
        self, fn: Callable[..., object], *arguments: object, **named: object
    ) -> object:
        if self._may_take_long(fn) or not self._running:
            return await self._in_thread(fn, *arguments, **named)
        try:
            return fn(*arguments, **named)
        except sqlite3.OperationalError as error:
            if arguments[:1] != (WRITE,) or not _is_busy(error):
                raise
        return await self._in_thread(self._wait, fn, *arguments, **named)

    def _may_take_long(self, fn: Callable[..., object]) -> bool:
        # Cursors are closed too, after every statement; that waits for nothing.
        if fn.__name__ not in ("commit", "rollback", "close") or _is_of_cursor(fn):
            return False
        # The pool rolls back whatever it gets, most of it committed.
        in_vain = fn.__name__ == "rollback" and self._is_at_rest and not self._conn.in_transaction
        return not in_vain

    async def _in_thread(
        self, fn: Callable[..., object], *arguments: object, **named: object
    ) -> object:
        # Who is cancelled meanwhile, or fails, leaves the thread at work: it has to undo that.
        self._is_at_rest = False
        answer: object = await super()._execute(fn, *arguments, **named)  # type: ignore[no-untyped-call]
        self._is_at_rest = True
        return answer

    def _wait(self, begin: Callable[..., object], *arguments: object, **named: object) -> object:
        """Take the lock in the thread, where it may be waited for."""
        self._conn.execute(f"PRAGMA busy_timeout = {int(self.lock_seconds * 1000)}")
        try:
            return begin(*arguments, **named)
        finally:
            self._conn.execute("PRAGMA busy_timeout = 0")


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_BUSY


def _is_of_cursor(method: Callable[..., object]) -> bool:
    return isinstance(getattr(method, "__self__", None), sqlite3.Cursor)


def will_pass(error: DBAPIError) -> bool:
    """Whether the database may do later what it failed to do now."""
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.Error):
        return (getattr(error.orig, "sqlite_errorcode", 0) & 0xFF) in _PASSING_CODES
    return str(getattr(error.orig, "sqlstate", None) or "").startswith(_PASSING_STATES)
