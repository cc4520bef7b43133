"""A worker in the test's process, between a ledger and a media service that do as they are told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import Message

from services.chassis.clients import Clients
from services.chassis.errors import Unavailable
from services.chassis.settings import Settings
from services.chassis.storage import Storage, Stored
from services.media import operations
from services.media.sandbox import Sandbox
from services.media.worker.attempt import Attempts
from services.media.worker.crew import Crew
from services.media.worker.leases import Leases
from services.media.worker.line import Line
from services.media.worker.sources import Sources
from services.media.worker.stores import stores_for
from tests.kit.servers import free_port
from tests.kit.waiting import wait_for_async
from tests.media import kinds
from tests.media.ledger import FakeLedger, FakeStore, serving
from vitascope.media.v1.internal_pb2_grpc import StoreServiceStub
from vitascope.work.v1.work_pb2 import Finished, Hello, Lease
from vitascope.work.v1.work_pb2_grpc import LedgerServiceStub

LEASE = Lease(item_id="ITEM", attempt=1)


class TestStorage(Storage):
    """A folder that can be told to look like a bucket, or to fail."""

    __test__ = False
    is_remote = False
    fails_on = ""

    def local_path(self, key: str) -> Path | None:
        return None if self.is_remote else super().local_path(key)

    async def put_file(self, key: str, path: Path) -> Stored:
        if self.fails_on and key.endswith(self.fails_on):
            raise Unavailable("The storage is not available.")
        return await super().put_file(key, path)


@dataclass
class Bench:
    """A worker in this process and what it stands between."""

    ledger: FakeLedger
    store: FakeStore
    storage: TestStorage
    scratch: Path
    sandbox: Path
    port: int

    async def end(self, kind: str, spec: Message, lease: Lease = LEASE) -> Finished:
        """Assign something and return how it ended."""
        self.ledger.assign(kind, spec, lease)
        await wait_for_async(lambda: self.ledger.finished(lease), what=f"{kind} to end")
        return self.ledger.finished(lease)[0]

    async def until_child_runs(self, lease: Lease = LEASE) -> int:
        """Wait for `test.sleep`; returns the child's process id."""
        await wait_for_async(lambda: self.ledger.progress(lease), what="the child to run")
        # It writes it down; the newest is the one that was waited for.
        *_, newest = sorted(self.sandbox.rglob("pid"), key=lambda path: path.stat().st_mtime_ns)
        return int(newest.read_text())

    async def objects(self) -> set[str]:
        return {entry.key async for entry in self.storage.list("")}

    def left_in_scratch(self) -> list[Path]:
        return list(self.scratch.rglob("*"))


def settings_for(tmp_path: Path, port: int, **more: object) -> Settings:
    return Settings.model_validate(
        {
            "internal_key": "k" * 32,
            "encryption_key": "k" * 32,
            "storage_url": f"file://{tmp_path}/storage",
            "media_address": f"127.0.0.1:{port}",
            "tasks_address": f"127.0.0.1:{port}",
            "scratch_dir": tmp_path / "scratch",
            "worker_id": "worker",
            "allow_loopback_sources": True,
            **more,
        }
    )


@asynccontextmanager
async def working(bench: Bench, settings: Settings) -> AsyncIterator[None]:
    """Run a worker with the test kinds in this process."""
    clients, leases = Clients(settings, "worker"), Leases()
    sandbox = Sandbox(bench.sandbox, 2, kinds.PROGRAM)
    store = clients.stub(StoreServiceStub)
    attempts = Attempts(
        bench.scratch,
        Sources(settings, bench.storage, store, settings.scratch_dir.parent / "kept"),
        sandbox,
        stores_for(settings, bench.storage, store, clients.stub(LedgerServiceStub)),
    )
    crew = Crew(2, leases, attempts.make)
    hello = Hello(worker_id="worker", kinds=operations.REGISTRY, slots=2)
    line = Line(clients.stub(LedgerServiceStub), hello, leases, crew.hear)
    talking = asyncio.create_task(line.keep())
    try:
        yield
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        await crew.stop()
        await sandbox.stop()
        await clients.close()


@asynccontextmanager
async def a_bench(tmp_path: Path, **more: object) -> AsyncIterator[Bench]:
    """A worker at work, with more settings; at the end nothing may be left of its files."""
    ledger, store, port = FakeLedger(), FakeStore(), free_port()
    settings = settings_for(tmp_path, port, **more)
    storage = TestStorage(settings.storage_url)
    bench = Bench(ledger, store, storage, settings.scratch_dir, tmp_path / "sandbox", port)
    async with serving(ledger, store, port), working(bench, settings):
        yield bench
    assert bench.left_in_scratch() == []
