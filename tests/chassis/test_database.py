"""What happens when a database is away, busy or cut off."""

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.exc import DBAPIError

from services.chassis import database as module
from services.chassis import engines
from services.chassis.database import Database
from services.chassis.errors import Unavailable
from tests.kit.servers import free_port


async def ask(database: Database) -> int:
    async with database.reading() as tx:
        return int(await tx.scalar(text("SELECT 1")) or 0)


async def test_a_server_that_is_away_is_unavailable() -> None:
    database = Database(f"postgresql://postgres@127.0.0.1:{free_port()}/x", MetaData())
    with pytest.raises(Unavailable) as caught:
        await ask(database)
    assert caught.value.retry_after == 1.0
    await database.close()


async def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").mkdir()
    database = Database(f"sqlite:///{tmp_path}/a.sqlite", MetaData())
    with pytest.raises(Unavailable):
        await ask(database)
    await database.close()


async def test_the_folder_of_the_file_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/deep/down/a.sqlite", MetaData())
    assert await ask(database) == 1
    await database.close()


async def test_a_lock_held_too_long_by_another_process_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.1)
    database = Database(f"sqlite:///{tmp_path}/a.sqlite", MetaData())
    assert await ask(database) == 1
    other = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        async with database.transaction():
            pass
    assert await ask(database) == 1  # readers are not held up
    other.execute("ROLLBACK")
    other.close()
    async with database.transaction():
        pass
    await database.close()


async def test_a_lock_of_another_process_is_waited_for_without_holding_others_up(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path}/a.sqlite", MetaData())

    async def write() -> None:
        async with database.transaction():
            pass

    await write()
    other = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(write())
    for _ in range(100):
        assert await ask(database) == 1
    assert not writing.done()
    other.execute("ROLLBACK")
    other.close()
    async with asyncio.timeout(5):
        await writing
        await write()
    await database.close()


async def test_a_transaction_inside_another_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUEUE_SECONDS", 0.1)
    database = Database(f"sqlite:///{tmp_path}/a.sqlite", MetaData())

    async def nest() -> None:
        async with database.transaction(), database.transaction():
            pass

    with pytest.raises(Unavailable):
        await nest()
    async with database.transaction():
        pass
    await database.close()


async def test_a_connection_cut_in_a_transaction_is_unavailable(postgres_url: str) -> None:
    database, admin = Database(postgres_url, MetaData()), Database(postgres_url, MetaData())

    async def be_cut() -> None:
        async with database.transaction() as tx:
            me = await tx.scalar(text("SELECT pg_backend_pid()"))
            async with admin.transaction() as other:
                await other.execute(text("SELECT pg_terminate_backend(:me)"), {"me": me})
            await tx.execute(text("SELECT 1"))

    with pytest.raises(Unavailable):
        await be_cut()
    assert await ask(database) == 1
    await database.close()
    await admin.close()


async def test_connections_that_died_are_replaced(postgres_url: str) -> None:
    database, admin = Database(postgres_url, MetaData()), Database(postgres_url, MetaData())
    await asyncio.gather(*(ask(database) for _ in range(3)))
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    mine = "datname = current_database() AND pid <> pg_backend_pid()"
    async with admin.transaction() as tx:
        await tx.execute(text(f"{others} WHERE {mine}"))
    # The news may still be on its way: each dead connection fails once at most.
    await asyncio.gather(*(ask(database) for _ in range(3)), return_exceptions=True)
    assert await asyncio.gather(*(ask(database) for _ in range(3))) == [1, 1, 1]
    await database.close()
    await admin.close()


BROKEN = """
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

def upgrade():
    op.create_table("halves", sa.Column("id", sa.Integer))
    op.execute("SELECT nonsense FROM nowhere")
"""


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


async def test_a_migration_that_fails_leaves_nothing(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / f"broken_{tmp_path.name}"
    (package / "versions").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "versions" / "0001_first.py").write_text(BROKEN)
    (package / "env.py").write_text(
        "from sqlalchemy import MetaData\n"
        "from services.chassis.database import run_migrations\n"
        "run_migrations(MetaData())\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    database = Database(database_url, MetaData())
    with pytest.raises(DBAPIError):
        await database.migrate(package.name)

    def tables(connection: Connection) -> list[str]:
        return inspect(connection).get_table_names()

    async with database.reading() as tx:
        assert await tx.run_sync(tables) == []
    await database.close()


async def test_closing_waits_for_what_runs(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/a.sqlite", MetaData())
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> int:
        async with database.transaction() as tx:
            entered.set()
            await go_on.wait()
            return int(await tx.scalar(text("SELECT 1")) or 0)

    working = asyncio.create_task(work())
    await entered.wait()
    closing = asyncio.create_task(database.close())
    done, _ = await asyncio.wait([closing], timeout=0.05)
    assert not done
    go_on.set()
    await closing
    assert working.done()
    assert await working == 1


async def test_a_connection_may_be_stopped_while_it_closes(tmp_path: Path) -> None:
    connection = await engines.SqliteConnection.to(f"{tmp_path}/a.sqlite")
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    closing.cancel()
    connection.stop()
    async with asyncio.timeout(60):
        await asyncio.wait([closing])
        await engines.all_stopped()
