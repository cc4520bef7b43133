"""The tasks service in this process behind its real doors, and workers that speak its contract."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc

from services.chassis.bundles import unbundled
from services.chassis.database import Database
from services.chassis.events import Outbox
from services.chassis.vault import Vault
from services.tasks.__main__ import wire
from services.tasks.actions.callbacks import outside_policy
from tests.kit.identities import Identities, authorization, make_settings, running, service
from tests.kit.waiting import wait_for_awaited
from vitascope.tasks.v1 import tasks_pb2_grpc as grpc_v1
from vitascope.tasks.v2 import tasks_pb2_grpc as grpc_v2
from vitascope.work.v1 import admin_pb2_grpc, work_pb2, work_pb2_grpc

PUBLIC_URL = "https://media.example"
DEADLINE = 60.0
VAULT = Vault(make_settings().encryption_key, "tasks")
STORED_BYTES = 1000
"""What every account stores."""
BY_ACCOUNT = authorization("Secret A SECRET")


class Service:
    """Stubs of a running service; `stop_waiting` is called when it is to stop."""

    def __init__(
        self, channel: grpc.aio.Channel, db: Database, stop_waiting: Callable[[], None]
    ) -> None:
        self.db = db
        self.stop_waiting = stop_waiting
        self.ledger = work_pb2_grpc.LedgerServiceStub(channel)
        self.admin = admin_pb2_grpc.WorkAdminServiceStub(channel)
        self.v1 = grpc_v1.TasksServiceStub(channel)
        self.v2 = grpc_v2.TasksServiceStub(channel)

    async def submit(self, *names: str, **fields: Any) -> list[work_pb2.Item]:
        """Queue work of the videos service with these request ids."""
        given = {"owner": "videos", "account_id": "team", "kind": "video.process"} | fields
        submissions = [work_pb2.Submission(request_id=name, **given) for name in names]
        request = work_pb2.SubmitRequest(submissions=submissions)
        response = await self.ledger.Submit(request, metadata=service("videos"))
        return list(response.items)

    async def item(self, name: str) -> work_pb2.Item:
        """Return an item of the videos service."""
        request = work_pb2.GetItemsRequest(owner="videos", request_ids=[name])
        response = await self.ledger.GetItems(request, metadata=service("videos"))
        return response.items[0]


async def becomes_true(look: Callable[[], Awaitable[bool]], what: str) -> None:
    """Return once `look` says so; fail with `what` after the deadline."""
    await wait_for_awaited(look, seconds=DEADLINE, what=what)


class Worker:
    """A worker's end of the stream."""

    def __init__(self, suite: Service) -> None:
        self.call: Any = suite.ledger.Work(metadata=service("worker"))
        self._heard: deque[work_pb2.WorkResponse] = deque()

    async def hello(
        self,
        name: str = "w",
        kinds: tuple[str, ...] = ("video.process",),
        slots: int = 1,
        deadlines: Mapping[str, float] | None = None,
    ) -> "Worker":
        """Say hello and what is still held: nothing."""
        hello = work_pb2.Hello(
            worker_id=name, kinds=kinds, slots=slots, deadline_seconds=deadlines or {}
        )
        await self.say(hello=hello)
        await self.say(heartbeat=work_pb2.Heartbeat())
        return self

    async def say(self, **message: Any) -> None:
        """Send one message."""
        await self.call.write(work_pb2.WorkRequest(**message))

    async def hear(self) -> Any:
        """Return the next thing that the ledger says."""
        if not self._heard:
            async with asyncio.timeout(DEADLINE):
                self._heard.extend(unbundled(await self.call.read()))
        response = self._heard.popleft()
        return getattr(response, str(response.WhichOneof("message")))

    async def succeed(self, lease: work_pb2.Lease, result: bytes = b"") -> Any:
        """Finish an item well; return the answer."""
        success = work_pb2.Success(result=result)
        await self.say(finished=work_pb2.Finished(lease=lease, success=success))
        return await self.hear()

    async def fail(self, lease: work_pb2.Lease, message: str, retryable: bool = False) -> Any:
        """Finish an item badly; return the answer."""
        failure = work_pb2.Failure(message=message, retryable=retryable)
        await self.say(finished=work_pb2.Finished(lease=lease, failure=failure))
        return await self.hear()


async def _secret_of(account_id: str) -> str:
    return f"callback secret of {account_id}"


async def _stored_bytes(account_id: str) -> int:
    return STORED_BYTES


@asynccontextmanager
async def serving(db: Database, identities: Identities | None = None) -> AsyncIterator[Service]:
    """Run the service on a database that has its schema."""
    outbox = Outbox(db, make_settings(), "tasks")
    servicers, background, stop_waiting = wire(
        db,
        outbox,
        PUBLIC_URL,
        timedelta(days=7),
        _secret_of,
        outside_policy(allow_loopback=True),
        _stored_bytes,
        VAULT,
    )
    authenticator = (identities or Identities()).authenticator()
    async with running(*servicers, authenticator=authenticator) as (channel, _):
        loops = [asyncio.create_task(each()) for each in background]
        try:
            yield Service(channel, db, stop_waiting)
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
