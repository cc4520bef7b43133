"""Runs a worker: `python -m services.media.worker`."""

import asyncio
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import structlog
import uvloop

from services.chassis import telemetry
from services.chassis.clients import Clients
from services.chassis.settings import Settings, load
from services.chassis.storage import Storage
from services.media import operations
from services.media.sandbox import Sandbox
from services.media.worker.attempt import Attempts, deadline_seconds
from services.media.worker.crew import Crew
from services.media.worker.leases import Leases
from services.media.worker.line import Line
from services.media.worker.scratch import own_folder
from services.media.worker.sources import Sources
from services.media.worker.stores import stores_for
from vitascope.media.v1.internal_pb2_grpc import StoreServiceStub
from vitascope.work.v1.work_pb2 import Hello
from vitascope.work.v1.work_pb2_grpc import LedgerServiceStub

NAME: Final = "worker"

log = structlog.stdlib.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Work until the process is told to stop, then end what runs; a second signal kills it.

    What the ledger tells to end finishes what runs however long that takes.
    """
    name = settings.worker_id or f"{socket.gethostname()}-{secrets.token_hex(4)}"
    signals = _signals()
    async with _parts(settings, name) as (line, crew, leases):
        talking = asyncio.create_task(line.keep())
        try:
            log.info("working", worker=name)
            await _first_of(talking, signals.get(), crew.dismissed.wait())
            leases.drain()
            log.info("draining")
            if crew.dismissed.is_set():
                await _first_of(talking, signals.get(), leases.empty.wait())
            await _first_of(
                talking,
                signals.get(),
                leases.empty.wait(),
                asyncio.sleep(settings.worker_drain_seconds),
            )
        finally:
            await crew.stop()
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
    log.info("stopped")


@asynccontextmanager
async def _parts(settings: Settings, name: str) -> AsyncIterator[tuple[Line, Crew, Leases]]:
    """The worker put together, with its sandbox warm and its scratch folder its own."""
    clients, storage = Clients(settings, NAME), Storage(settings.storage_url)
    store, ledger = clients.stub(StoreServiceStub), clients.stub(LedgerServiceStub)
    hello = Hello(
        worker_id=name,
        kinds=operations.REGISTRY,
        slots=settings.worker_slots,
        deadline_seconds={
            kind: deadline_seconds(each) for kind, each in operations.REGISTRY.items()
        },
    )
    with own_folder(settings.scratch_dir, name) as folder, _metrics(settings.metrics_address):
        sources = Sources(settings, storage, store, folder / "kept")
        jail = Sandbox(folder / "sandbox", settings.worker_slots)
        stores = stores_for(settings, storage, store, ledger)
        attempts = Attempts(folder / "items", sources, jail, stores)
        leases = Leases()
        crew = Crew(settings.worker_slots, leases, attempts.make)
        try:
            await jail.start()
            yield Line(ledger, hello, leases, crew.hear), crew, leases
        finally:
            await jail.stop()
            await clients.close()


@contextmanager
def _metrics(address: str | None) -> Iterator[None]:
    stop = telemetry.start_metrics(address) if address else None
    try:
        yield
    finally:
        if stop:
            stop()


def _signals() -> asyncio.Queue[int]:
    """The signals to stop, as they come."""
    arrived: asyncio.Queue[int] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, arrived.put_nowait, number)
    return arrived


async def _first_of(talking: asyncio.Task[None], *waits: Coroutine[Any, Any, object]) -> None:
    """Wait for the first of `waits`. Raises what ended the talk with the ledger, if that ends."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    await asyncio.wait([talking, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    if talking.done():
        talking.result()


if __name__ == "__main__":
    settings = load()
    telemetry.setup(NAME, settings)
    uvloop.run(run(settings))
