"""Workers that speak the contract and report what the bench tells them to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import grpc

from services.chassis.bundles import unbundled
from services.chassis.clients import Clients
from vitascope.work.v1.work_pb2 import (
    Finished,
    Heartbeat,
    Hello,
    Lease,
    Progress,
    Success,
    WorkRequest,
)
from vitascope.work.v1.work_pb2_grpc import LedgerServiceStub

HEARTBEAT_SECONDS = 10.0


class Worker:
    """One worker: `leases` has what it was given, by the task's key."""

    def __init__(self, clients: Clients, name: str, kind: str, slots: int) -> None:
        self.leases: dict[str, Lease] = {}
        self._say: asyncio.Queue[WorkRequest] = asyncio.Queue()
        # A ledger that was just started again may not be found at once.
        self._answers = clients.stub(LedgerServiceStub).Work(self._requests(), wait_for_ready=True)
        hello = Hello(worker_id=name, kinds=[kind], slots=slots)
        self._say.put_nowait(WorkRequest(hello=hello))
        self._tasks = [asyncio.create_task(each) for each in (self._listen(), self._live())]

    def report(self, key: str, percent: float, partial: bytes | None) -> None:
        """Say how far a task is."""
        progress = Progress(lease=self.leases[key], percent=percent, partial_result=partial)
        self._say.put_nowait(WorkRequest(progress=progress))

    def finish(self, result: bytes) -> None:
        """Say that all tasks ended well."""
        for lease in self.leases.values():
            finished = Finished(lease=lease, success=Success(result=result))
            self._say.put_nowait(WorkRequest(finished=finished))
        self.leases.clear()

    async def close(self) -> None:
        """Leave."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _requests(self) -> AsyncIterator[WorkRequest]:
        while True:
            yield await self._say.get()

    async def _listen(self) -> None:
        with suppress(grpc.aio.BaseError):
            async for answer in self._answers:
                for each in unbundled(answer):
                    if each.HasField("assignment"):
                        lease = each.assignment.lease
                        self.leases[lease.item_id] = lease

    async def _live(self) -> None:
        while True:
            heartbeat = Heartbeat(leases=list(self.leases.values()))
            self._say.put_nowait(WorkRequest(heartbeat=heartbeat))
            await asyncio.sleep(HEARTBEAT_SECONDS)
