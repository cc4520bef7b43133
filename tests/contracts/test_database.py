"""What SQLite and PostgreSQL must both do."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from services.chassis.database import Database, insert, on_commit
from tests.contracts.conftest import MIGRATIONS
from tests.contracts.shelf.store import books, metadata, shelves
from tests.kit.schema import drift


async def count(database: Database) -> int:
    async with database.reading() as tx:
        return (await tx.scalar(select(func.count()).select_from(shelves))) or 0


async def add(database: Database, *names: str) -> None:
    async with database.transaction() as tx:
        await tx.execute(shelves.insert(), [{"id": name} for name in names])


async def run_processes(scripts: Sequence[str]) -> None:
    """Run Python scripts, all at once; each must succeed."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-c", script, stderr=asyncio.subprocess.PIPE
        )
        for script in scripts
    ]
    for process in processes:
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()


async def test_a_transaction_commits_at_its_end(database: Database) -> None:
    await add(database, "a", "b")
    assert await count(database) == 2


async def test_an_exception_rolls_back(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as tx:
            await tx.execute(shelves.insert(), {"id": "a"})
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await count(database) == 0


async def test_a_cancelled_transaction_rolls_back(database: Database) -> None:
    written = asyncio.Event()

    async def write_and_wait() -> None:
        async with database.transaction() as tx:
            await tx.execute(shelves.insert(), {"id": "a"})
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_and_wait())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await add(database, "b")
    assert await count(database) == 1


async def test_reading_sees_one_moment(database: Database) -> None:
    await add(database, "a")
    query = select(func.count()).select_from(shelves)
    async with database.reading() as tx:
        assert await tx.scalar(query) == 1
        await add(database, "b")
        assert await tx.scalar(query) == 1
    assert await count(database) == 2


async def test_callbacks_follow_the_commit_and_no_rollback(database: Database) -> None:
    seen: list[str] = []

    async def fail() -> None:
        async with database.transaction() as tx:
            on_commit(tx, lambda: seen.append("lost"))
            raise KeyError

    async with database.transaction() as tx:
        on_commit(tx, lambda: seen.append("kept"))
        assert seen == []
    with pytest.raises(KeyError):
        await fail()
    async with database.transaction():
        pass  # and nothing is called twice
    assert seen == ["kept"]


async def test_moments_come_back_in_utc(database: Database) -> None:
    paris = datetime(2026, 3, 1, 0, 30, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    async with database.transaction() as tx:
        await tx.execute(shelves.insert(), {"id": "a", "built_at": paris})
    async with database.reading() as tx:
        back = await tx.scalar(select(shelves.c.built_at))
        later = await tx.scalar(select(shelves.c.id).where(shelves.c.built_at > paris))
    assert back == datetime(2026, 2, 28, 23, 30, 0, 123456, tzinfo=UTC)
    assert back.utcoffset() == timedelta(0)
    assert later is None


async def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="time zone"):
        async with database.transaction() as tx:
            await tx.execute(
                shelves.insert(),
                {"id": "a", "built_at": datetime(2026, 3, 1)},  # noqa: DTZ001
            )


async def test_inserts_can_pass_over_what_is_there(database: Database) -> None:
    await add(database, "a")
    async with database.transaction() as tx:
        statement = insert(tx, shelves).values([{"id": "a"}, {"id": "b"}]).on_conflict_do_nothing()
        assert (await tx.scalars(statement.returning(shelves.c.id))).all() == ["b"]


async def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.transaction() as tx:
            await tx.execute(books.insert(), {"title": "Emma", "shelf_id": "nowhere"})


async def test_a_mistake_in_a_statement_is_no_outage(database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with database.transaction() as tx:
            await tx.exec_driver_sql("SELECT nonsense FROM nowhere")


async def test_many_writers_wait_for_each_other(database: Database) -> None:
    await add(database, "a")

    async def lift() -> None:
        async with database.transaction() as tx:
            await tx.execute(update(shelves).values(weight=shelves.c.weight + 1))

    await asyncio.gather(*(lift() for _ in range(100)))
    async with database.reading() as tx:
        assert await tx.scalar(select(shelves.c.weight)) == 100


LIFTING = """
import asyncio
from sqlalchemy import select, update
from services.chassis.database import Database
from tests.contracts.shelf.store import metadata, shelves

async def main():
    database = Database({url!r}, metadata)
    for _ in range(50):
        async with database.transaction() as tx:
            weight = await tx.scalar(select(shelves.c.weight).with_for_update())
            await tx.execute(update(shelves).values(weight=weight + 1))
    await database.close()

asyncio.run(main())
"""


async def test_processes_read_and_write_without_losing_a_step(
    database: Database, database_url: str
) -> None:
    await add(database, "a")
    await run_processes([LIFTING.format(url=database_url)] * 3)
    async with database.reading() as tx:
        assert await tx.scalar(select(shelves.c.weight)) == 150


MIGRATING = """
import asyncio
from services.chassis.database import Database
from tests.contracts.shelf.store import metadata

async def main():
    database = Database({url!r}, metadata)
    await database.migrate({package!r})
    await database.close()

asyncio.run(main())
"""


async def test_processes_may_migrate_at_once(database_url: str) -> None:
    await run_processes([MIGRATING.format(url=database_url, package=MIGRATIONS)] * 4)
    database = Database(database_url, metadata)
    await add(database, "a")
    assert await count(database) == 1
    await database.close()


async def test_migrating_again_changes_nothing(database: Database) -> None:
    await add(database, "a")
    await database.migrate(MIGRATIONS)
    assert await count(database) == 1


async def test_migrations_build_the_declared_schema(database: Database) -> None:
    assert await drift(database) == []


async def test_an_exclusive_purpose_has_one_holder(postgres_url: str) -> None:
    """On PostgreSQL only: a service on SQLite is one process."""
    first, other = Database(postgres_url, metadata), Database(postgres_url, metadata)
    inside: list[str] = []

    async def enter() -> None:
        async with other.exclusive("sweep"):
            inside.append("other")

    async with first.exclusive("sweep"):
        task = asyncio.create_task(enter())
        async with other.exclusive("something else"):
            inside.append("first")  # a full round trip later the other still waits
    await task
    assert inside == ["first", "other"]
    await first.close()
    await other.close()
