"""What the Tasks API costs with many queued tasks in one account, against an empty queue.

    python -m bench.queue_depth [--queued 100000]

Prints, on SQLite and on PostgreSQL, the processor time of one call of each kind, with what the
database's own processes take, and its ratio to that with an empty queue.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from pydantic import SecretStr

from bench.ledger.servers import create_database, postgres
from services.chassis.auth import Identity, set_identity
from services.chassis.database import Database
from services.chassis.events import Outbox
from services.chassis.limits import Limits
from services.chassis.settings import Settings
from services.chassis.vault import Vault
from services.tasks.__main__ import wire
from services.tasks.actions.callbacks import outside_policy
from services.tasks.store.tables import metadata
from vitascope.tasks.v2 import tasks_pb2
from vitascope.work.v1 import admin_pb2, work_pb2

ACCOUNT = "account"
KEY = "a key that is long enough for a bench"
BATCH = 20
CALLS = 50
ROUNDS = 3
# Accounts with limits have their tasks counted in the transaction that creates more.
LIMITS = Limits(tasks_in_flight=10**9, tasks_per_minute=10**9)

Call = Callable[[], Awaitable[Any]]


@dataclass
class House:
    """The doors of a ledger, and the processes that work for it beside this one."""

    db: Database
    tasks: Any
    admin: Any
    database: psutil.Process | None = None

    async def create(self, number: int = BATCH) -> list[str]:
        """Queue tasks; return their keys."""
        definition = tasks_pb2.TaskDefinition(task_name="image.info")
        definition.parameters.update({"url": "http://files.example/a.jpg"})
        request = tasks_pb2.CreateRequest(tasks=[definition] * number)
        return [task.key for task in (await self.tasks.Create(request, None)).tasks]

    def calls(self, keys: Sequence[str]) -> dict[str, Call]:
        """Return what is measured, by what it is called."""
        status = tasks_pb2.GetStatusRequest(tasks=keys)
        pages = {
            "list": admin_pb2.ListItemsRequest(),
            "list, this account": admin_pb2.ListItemsRequest(account_id=ACCOUNT),
            "list, another account": admin_pb2.ListItemsRequest(account_id="another"),
            "list, queued": admin_pb2.ListItemsRequest(state=work_pb2.STATE_QUEUED),
            "list, queued, this account": admin_pb2.ListItemsRequest(
                state=work_pb2.STATE_QUEUED, account_id=ACCOUNT
            ),
            "list, in error": admin_pb2.ListItemsRequest(state=work_pb2.STATE_ERROR),
            "list, another kind": admin_pb2.ListItemsRequest(kind="video.process"),
        }
        found: dict[str, Call] = {
            f"create, {BATCH} tasks": self.create,
            f"status, {BATCH} keys": lambda: self.tasks.GetStatus(status, None),
        }
        return found | {name: self._listing(page) for name, page in pages.items()}

    def _listing(self, page: admin_pb2.ListItemsRequest) -> Call:
        return lambda: self.admin.ListItems(page, None)

    async def milliseconds(self, call: Call) -> float:
        """Return the processor time of a call."""
        await call()
        before = self._seconds()
        for _ in range(CALLS):
            await call()
        return (self._seconds() - before) / CALLS * 1000

    async def settle(self) -> None:
        """Let PostgreSQL count its rows, as it does by itself after a while."""
        if not self.db.is_sqlite:
            async with self.db.transaction() as tx:
                await tx.exec_driver_sql("ANALYZE")

    def _seconds(self) -> float:
        used = time.process_time()
        if self.database:
            for process in [self.database, *self.database.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    used += sum(process.cpu_times()[:2])
        return used


async def measure(deep: House, shallow: House, queued: int) -> None:
    """Print a table of two ledgers, with so many queued tasks and with hardly any."""
    for _ in range(queued // 1000):
        await deep.create(1000)
    calls = [house.calls(await house.create()) for house in (shallow, deep)]
    await deep.settle()
    print(f"\n| call | empty, ms | {queued} queued, ms | ratio |\n|---|---:|---:|---:|")
    for name in calls[0]:
        best = [float("inf")] * 2
        for _ in range(ROUNDS):
            # In turns, as what else the machine has to do comes and goes.
            for number, house in enumerate((shallow, deep)):
                best[number] = min(best[number], await house.milliseconds(calls[number][name]))
        print(f"| {name} | {best[0]:.2f} | {best[1]:.2f} | {best[1] / best[0]:.2f} |")


@asynccontextmanager
async def _opened(url: str, database: psutil.Process | None = None) -> AsyncIterator[House]:
    """Give a ledger on an empty database."""
    db = Database(url, metadata)
    await db.migrate("services.tasks.migrations")
    try:
        yield _house(db, database)
    finally:
        await db.close()


def _house(db: Database, database: psutil.Process | None) -> House:
    settings = Settings(internal_key=SecretStr(KEY), encryption_key=SecretStr(KEY))
    servicers, _, _ = wire(
        db,
        Outbox(db, settings, "tasks"),
        "http://127.0.0.1:8080",
        timedelta(days=7),
        _no_secret,
        outside_policy(allow_loopback=False),
        _no_bytes,
        Vault(settings.encryption_key, "tasks"),
    )
    doors = {type(servicer).__name__: servicer for _, servicer in servicers}
    set_identity(Identity("account", frozenset({"tasks"}), team_id=ACCOUNT, limits=LIMITS))
    return House(db, doors["TasksV2"], doors["WorkAdmin"], database)


async def _no_secret(account_id: str) -> str:
    return ""


async def _no_bytes(account_id: str) -> int:
    return 0


async def main(queued: int, folder: Path) -> None:
    """Measure on both engines."""
    async with (
        _opened(f"sqlite:///{folder}/deep.sqlite") as deep,
        _opened(f"sqlite:///{folder}/shallow.sqlite") as shallow,
    ):
        print("\nSQLite")
        await measure(deep, shallow, queued)
    with postgres(folder) as (server, process):
        urls = [await create_database(server, name) for name in ("deep", "shallow")]
        async with _opened(urls[0], process) as deep, _opened(urls[1], process) as shallow:
            print("\nPostgreSQL")
            await measure(deep, shallow, queued)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queued", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(main(given.queued, Path(scratch)))
