"""Ours: the real accounts and tasks services, the embedded broker, and a worker of no-ops.

A round trip is one `TasksService.Create` with `block`: the answer comes when the task has ended.
A backlog comes in by `LedgerService.Submit`, a thousand items a call.
"""

import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import grpc
import psutil
from sqlalchemy import Select, exists, func, select

from bench.gateway.processes import EMAIL, PASSWORD
from bench.ledger.contest import Groups
from bench.ledger.noop import KIND
from bench.processes import free_address, started
from cli.home import SERVICES, Home
from services.chassis.clients import Clients
from services.chassis.database import Database
from services.chassis.settings import Settings
from services.tasks.store import tables
from vitascope.accounts.v1.internal_pb2 import AddKeysRequest, AddUserRequest
from vitascope.accounts.v1.internal_pb2_grpc import AdminServiceStub
from vitascope.tasks.v2.tasks_pb2 import CreateRequest, TaskDefinition
from vitascope.tasks.v2.tasks_pb2_grpc import TasksServiceStub
from vitascope.work.v1.work_pb2 import LANE_SHORT, Submission, SubmitRequest
from vitascope.work.v1.work_pb2_grpc import LedgerServiceStub

BATCH = 1000
ACCOUNT = "bench"
# A service submits for itself only.
OWNER = "videos"
PREFIX = "VITASCOPE_"


class Suite:
    """Our contender."""

    def __init__(
        self, name: str, folder: Path, environment: dict[str, str], servers: Groups, db: Database
    ) -> None:
        self.name = name
        self.db = db
        self._folder = folder
        self._environment = environment
        self._servers = servers
        self._submitted = 0
        variables = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in environment.items()
            if name.startswith(PREFIX)
        }
        self._settings = Settings.model_validate(variables)
        self._clients = Clients(self._settings, OWNER)

    def servers(self) -> Groups:
        """Return the ledger, the broker, and the database server if there is one."""
        return self._servers

    def worker(self) -> AbstractContextManager[psutil.Process]:
        """Run the product's worker with its sandbox."""
        command = [sys.executable, "-m", "bench.ledger.worker"]
        return started(command, self._folder / "worker.log", environment=self._environment)

    async def queue(
        self, count: int, accounts: Sequence[str] = (ACCOUNT,), kind: str = KIND
    ) -> None:
        """Submit items as the videos service does, the accounts taking turns."""
        ledger = self._clients.stub(LedgerServiceStub)
        while count:
            batch = min(count, BATCH)
            numbers = range(self._submitted, self._submitted + batch)
            work = [_submission(each, accounts[each % len(accounts)], kind) for each in numbers]
            await ledger.Submit(SubmitRequest(submissions=work))
            count -= batch
            self._submitted += batch

    async def left(self) -> int:
        """Return how many items have not ended, of all accounts."""
        counts = tables.accounts.c.queued + tables.accounts.c.running
        query: Select[tuple[int]] = select(func.coalesce(func.sum(counts), 0))
        async with self.db.reading() as tx:
            return int(await tx.scalar(query) or 0)

    async def settled(self) -> bool:
        """Whether every event is published."""
        async with self.db.reading() as tx:
            return not await tx.scalar(select(exists(select(tables.outbox.c.id))))

    async def round_trips(self, count: int) -> list[float]:
        """Create tasks by gRPC with an account's secret."""
        metadata = (("authorization", f"Secret {await self._secret()}"),)
        definition = TaskDefinition(task_name=KIND)
        definition.parameters.update({"url": "http://127.0.0.1/nothing"})
        request = CreateRequest(tasks=[definition], block=True)
        times = []
        async with grpc.aio.insecure_channel(self._settings.tasks_address) as channel:
            create = TasksServiceStub(channel).Create
            for _ in range(count):
                started_at = time.perf_counter()
                answer = await create(request, metadata=metadata)
                times.append((time.perf_counter() - started_at) * 1000)
                if answer.tasks[0].status != "success":
                    raise RuntimeError(f"not done: {answer}")
        return times

    async def close(self) -> None:
        """Close connections."""
        await self._clients.close()
        await self.db.close()

    async def _secret(self) -> str:
        clients = Clients(self._settings, "cli")
        accounts = clients.stub(AdminServiceStub)
        await accounts.AddUser(AddUserRequest(email=EMAIL, password=PASSWORD))
        keys = await accounts.AddKeys(AddKeysRequest(email=EMAIL))
        await clients.close()
        return keys.secret


@asynccontextmanager
async def suite(
    name: str, folder: Path, servers: Groups, broker: str, database_url: str | None = None
) -> AsyncIterator[Suite]:
    """Run the services in a folder; without a database URL they use SQLite."""
    home = Home(folder)
    home.prepare()
    addresses = {service: free_address() for service in SERVICES} | {"broker": broker}
    environment = home.environment(addresses)
    if database_url:
        environment["VITASCOPE_DATABASE_URL"] = database_url
    url = environment["VITASCOPE_DATABASE_URL"].replace("{service}", "tasks")
    with ExitStack() as stack:
        for service in ("accounts", "tasks"):
            process = stack.enter_context(_service(service, addresses, environment, home.logs))
        groups = {"ledger": process, **servers}
        ours = Suite(name, home.logs, environment, groups, Database(url, tables.metadata))
        try:
            yield ours
        finally:
            await ours.close()


@contextmanager
def _service(
    name: str, addresses: dict[str, str], environment: dict[str, str], logs: Path
) -> Iterator[psutil.Process]:
    command = [sys.executable, "-m", f"services.{name}"]
    with started(command, logs / f"{name}.log", addresses[name], environment) as process:
        yield process


def _submission(number: int, account: str, kind: str) -> Submission:
    return Submission(
        owner=OWNER, account_id=account, request_id=str(number), kind=kind, lane=LANE_SHORT
    )
