"""The one door to SQLAlchemy besides the services' `store.py` files.

A service keeps its schema in `store.py` (a `MetaData` with tables) and its
history beside it, in Alembic's usual places:

    services/accounts/migrations/__init__.py      empty
    services/accounts/migrations/env.py           two imports and one call:

        from services.accounts.store import metadata
        from services.chassis.database import run_migrations

        run_migrations(metadata)

    services/accounts/migrations/versions/0001_first.py

        import sqlalchemy as sa
        from alembic import op
        from services.chassis.database import Utc
        from services.chassis.events import inbox_table, outbox_table

        revision = "0001"
        down_revision = None

        def upgrade() -> None:
            op.create_table("users", sa.Column("id", sa.String(36), primary_key=True), ...)
            for table in (outbox_table(sa.MetaData()), inbox_table(sa.MetaData())):
                table.create(op.get_bind())

A version repeats its columns and never imports `store.py`: history stands still
while the schema moves on. On start a service calls
`await database.migrate("services.accounts.migrations")`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import structlog
from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, DateTime, MetaData, Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.types import TypeDecorator

from services.chassis.engines import (
    all_stopped,
    postgres_engine,
    sqlite_reader,
    sqlite_writer,
    will_pass,
)
from services.chassis.errors import Unavailable
from services.chassis.notices import NOTIFY, hear
from services.chassis.statements import INSERTS

Tx = AsyncConnection
"""A running transaction: what the functions of a `store.py` take first."""

BUSY_SECONDS = 10.0
# The queue of a process's own writers moves, so patience pays: callers who have none end the wait
# by their deadlines, and an upload that is here to its last byte has none.
QUEUE_SECONDS = 120.0
LISTEN_AGAIN_SECONDS = 1.0
_ON_COMMIT = "vitascope.on_commit"

log = structlog.stdlib.get_logger(__name__)

# Alembic keeps the running migration in module globals, so one at a time in a process.
_migrating = asyncio.Lock()


def now() -> datetime:
    """The present moment in UTC, timezone-aware."""
    return datetime.now(UTC)


class Utc(TypeDecorator[datetime]):
    """A column of timezone-aware moments, kept in UTC on both engines.

    SQLite has no time zones: there the moment is stored as UTC wall time.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; a naive moment raises ValueError, for its zone is anyone's guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment needs a time zone: {value!r}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def insert(tx: Tx, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows `on_conflict_do_nothing` and `..._do_update` on either engine."""
    return INSERTS[tx.dialect.name](table)


def on_commit(tx: Tx, callback: Callable[[], None]) -> None:
    """Call `callback` once `tx` is committed; never when it is rolled back."""
    tx.info[_ON_COMMIT].append(callback)


def run_migrations(metadata: MetaData) -> None:
    """The body of a service's `migrations/env.py`: apply the versions that lie beside it.

    Raises KeyError outside `Database.migrate`, which opens the connection and the transaction.
    """
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


class Database:
    """One service's database: SQLite or PostgreSQL, by its URL.

    `url` is `sqlite:///relative/file`, `sqlite:////absolute/file` or
    `postgresql://user:password@host:port/name`. Nothing is opened before first use.
    When the database cannot be reached, every method raises `errors.Unavailable`.
    """

    def __init__(self, url: str, metadata: MetaData) -> None:
        self.metadata = metadata
        address = make_url(url)
        self.is_sqlite = address.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._engine = sqlite_writer(address, BUSY_SECONDS)
            self._reader = sqlite_reader(address, BUSY_SECONDS)
        else:
            self._engine = postgres_engine(address, BUSY_SECONDS)
            self._reader = self._engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        # SQLite has one writer at a time and lets the others poll; within a process a queue is
        # fairer and faster.
        self._writer = asyncio.Lock()
        self._in_use = 0
        self._closing = False
        self._idle = asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A read-write transaction: commits at the end, rolls back on an exception.

        On SQLite it takes the write lock at once (BEGIN IMMEDIATE), so do not open one inside
        another and do no network calls in it.
        """
        async with AsyncExitStack() as stack:
            if self.is_sqlite:
                await self._wait_to_write()
                stack.callback(self._writer.release)
            async with self._opened(self._engine) as tx:
                callbacks: list[Callable[[], None]] = []
                tx.info[_ON_COMMIT] = callbacks
                yield tx
        for callback in callbacks:
            callback()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """A read-only transaction: all its reads see the same moment of the database."""
        async with self._opened(self._reader) as tx:
            yield tx

    async def migrate(self, package: str) -> None:
        """Bring the schema to the newest version in `package`, e.g. "services.accounts.migrations".

        Safe when several processes start at once: one works, the others wait and find it done
        (on SQLite because a transaction takes the write lock before it looks).
        All versions are applied in one transaction, so a failing one leaves nothing behind.
        """
        config = Config()
        config.set_main_option("script_location", str(Path(*import_module(package).__path__)))

        def upgrade(connection: Connection) -> None:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

        async with _migrating, self.exclusive("migrate"), self.transaction() as tx:
            await tx.run_sync(upgrade)

    @asynccontextmanager
    async def exclusive(self, purpose: str) -> AsyncIterator[Tx | None]:
        """Let one at a time do `purpose` among all processes on this database; others wait.

        Meant for jobs that every replica of a service would do in vain, such as relaying. Gives
        the transaction that keeps the others out, in which the job may be done. On SQLite it lets
        everyone in and gives None: there a service is one process.
        """
        if self.is_sqlite:
            yield None
            return
        async with self._opened(self._engine) as tx:
            lock = text("SELECT pg_advisory_xact_lock(hashtext(:purpose))")
            await tx.execute(lock, {"purpose": purpose})
            yield tx

    async def notify(self, tx: Tx, channel: str, payload: str) -> None:
        """Tell the listeners of every process on this database once `tx` is committed.

        `payload` is at most `NOTICE_BYTES` long. On SQLite nobody is told: there a service is one
        process.
        """
        if not self.is_sqlite:
            await tx.execute(NOTIFY, {"channel": channel, "payload": payload})

    async def listen(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call `callback` with every payload that is notified on `channel`, for ever.

        A process hears itself too. Notices that come while PostgreSQL is away are missed: whoever
        listens looks by itself now and then as well.
        """
        while True:
            if self.is_sqlite:
                await asyncio.Event().wait()
            try:
                async with self._connected(self._engine) as connection:
                    await hear(connection, channel, callback)
            except Unavailable as error:
                log.warning("nothing is heard", channel=channel, reason=error.message)
            await asyncio.sleep(LISTEN_AGAIN_SECONDS)

    async def close(self) -> None:
        """Close every connection, once the transactions under way have ended.

        Cancelled calls may still be rolling back; those that take longer than 10 s are left.
        """
        self._closing = True
        self._idle.clear()
        if self._in_use:
            with suppress(TimeoutError):
                async with asyncio.timeout(BUSY_SECONDS):
                    await self._idle.wait()
        await self._reader.dispose()
        await self._engine.dispose()
        await all_stopped()

    @asynccontextmanager
    async def _opened(self, engine: AsyncEngine) -> AsyncIterator[Tx]:
        """A connection with a begun transaction; what the database fails to do is Unavailable."""
        async with self._connected(engine) as connection:
            try:
                async with connection.begin():
                    yield connection
            except DBAPIError as error:
                if will_pass(error):
                    raise Unavailable("The database is not available.", retry_after=1.0) from error
                raise

    @asynccontextmanager
    async def _connected(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        """A connection of the pool. Its way back is not cut short by a cancellation."""
        if self._closing:
            raise Unavailable("The database is closed.", retry_after=1.0)
        self._in_use += 1
        try:
            connection = await engine.connect()
        except BaseException as error:
            self._let_go()
            if isinstance(error, OSError | TimeoutError | PoolTimeout | DBAPIError):
                raise Unavailable("The database cannot be reached.", retry_after=1.0) from error
            raise
        try:
            yield connection
        finally:
            closing = asyncio.create_task(connection.close())
            closing.add_done_callback(lambda _: self._let_go())
            await asyncio.shield(closing)

    def _let_go(self) -> None:
        self._in_use -= 1
        if not self._in_use:
            self._idle.set()

    async def _wait_to_write(self) -> None:
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                await self._writer.acquire()
        except TimeoutError:
            raise Unavailable("The database is busy.", retry_after=1.0) from None
