"""The other side of a worker: a ledger and a media service that do as a test says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
from google.protobuf.message import Message

from services.chassis.bundles import unbundled
from services.chassis.errors import NotFound, VitascopeError, to_status
from vitascope.media.v1 import internal_pb2, internal_pb2_grpc
from vitascope.work.v1 import work_pb2, work_pb2_grpc
from vitascope.work.v1.work_pb2 import Lease, WorkRequest, WorkResponse

Context = grpc.aio.ServicerContext[Message, Message]
TO_ACCOUNT = internal_pb2.Destination(account=internal_pb2.AccountDestination(account_id="ACCOUNT"))


class FakeLedger(work_pb2_grpc.LedgerServiceServicer):
    """Remembers what workers say; says what it is told to. Accepts every end, unless told not."""

    def __init__(self) -> None:
        self.said: list[WorkRequest] = []
        self.accepts = True
        # States that had to be stored at once, and why they are not.
        self.saved: list[bytes] = []
        self.errors: list[VitascopeError] = []
        self._orders: asyncio.Queue[WorkResponse | None] = asyncio.Queue()

    async def Submit(self, request: object, context: object) -> work_pb2.SubmitResponse:
        raise NotImplementedError("workers do not submit")

    async def GetItems(self, request: object, context: object) -> work_pb2.GetItemsResponse:
        raise NotImplementedError("workers do not ask")

    async def FindItems(self, request: object, context: object) -> work_pb2.FindItemsResponse:
        raise NotImplementedError("workers do not look for items")

    async def CancelItems(self, request: object, context: object) -> work_pb2.CancelItemsResponse:
        raise NotImplementedError("workers do not cancel")

    async def SaveCheckpoint(
        self, request: work_pb2.SaveCheckpointRequest, context: Context
    ) -> work_pb2.SaveCheckpointResponse:
        if self.errors:
            code, message, _ = to_status(self.errors.pop(0))
            await context.abort(code, message)
        self.saved.append(request.checkpoint.state)
        return work_pb2.SaveCheckpointResponse()

    async def Work(
        self, request_iterator: AsyncIterator[WorkRequest], context: object
    ) -> AsyncIterator[WorkResponse]:
        orders = self._orders
        listening = asyncio.create_task(self._listen(request_iterator))
        try:
            while (order := await orders.get()) is not None:
                yield order
        finally:
            listening.cancel()

    async def _listen(self, requests: AsyncIterator[WorkRequest]) -> None:
        async for request in requests:
            for said in unbundled(request):
                self.said.append(said)
                if self.accepts and said.HasField("finished"):
                    self.accept(said.finished.lease)

    def assign(
        self,
        kind: str,
        spec: Message,
        lease: Lease,
        *,
        destination: internal_pb2.Destination = TO_ACCOUNT,
        seconds: float = 30,
        checkpoint: bytes = b"",
        parts: Sequence[work_pb2.PartResult] = (),
    ) -> None:
        assignment = work_pb2.Assignment(
            lease=lease,
            kind=kind,
            spec=spec.SerializeToString(),
            account_id="ACCOUNT",
            destination=destination,
            lease_seconds=seconds,
            checkpoint=checkpoint,
            parts=parts,
        )
        self._orders.put_nowait(WorkResponse(assignment=assignment))

    def accept(self, lease: Lease) -> None:
        self._orders.put_nowait(WorkResponse(accepted=work_pb2.Accepted(lease=lease)))

    def cancel(self, lease: Lease) -> None:
        self._orders.put_nowait(WorkResponse(cancel=work_pb2.Cancel(lease=lease)))

    def lose(self, lease: Lease) -> None:
        self._orders.put_nowait(WorkResponse(lease_lost=work_pb2.LeaseLost(lease=lease)))

    def drain(self) -> None:
        self._orders.put_nowait(WorkResponse(drain=work_pb2.Drain()))

    def cut(self) -> None:
        """End the stream, and forget what was said on it."""
        self.said.clear()
        self._orders.put_nowait(None)
        self._orders = asyncio.Queue()

    def finished(self, lease: Lease) -> list[work_pb2.Finished]:
        """The ends that were told of a lease."""
        said = [each.finished for each in self.said if each.HasField("finished")]
        return [each for each in said if each.lease == lease]

    def progress(self, lease: Lease) -> list[float]:
        """The percentages that were told of a lease."""
        said = [each.progress for each in self.said if each.HasField("progress")]
        return [each.percent for each in said if each.lease == lease]

    def partials(self, lease: Lease) -> list[bytes]:
        """What was told of a lease's result before its end."""
        said = [each.progress for each in self.said if each.HasField("progress")]
        return [
            each.partial_result
            for each in said
            if each.lease == lease and each.HasField("partial_result")
        ]

    def checkpoints(self, lease: Lease) -> list[bytes]:
        """The states that were saved for a lease."""
        said = [each.checkpoint for each in self.said if each.HasField("checkpoint")]
        return [each.state for each in said if each.lease == lease]

    def heartbeats(self) -> list[list[Lease]]:
        """The leases that each heartbeat named."""
        said = [each.heartbeat for each in self.said if each.HasField("heartbeat")]
        return [list(each.leases) for each in said]


@dataclass
class FakeStore(internal_pb2_grpc.StoreServiceServicer):
    """Knows the videos that a test gives it, and accepts outputs unless it has an error to say."""

    media: dict[str, internal_pb2.StoredMedia] = field(default_factory=dict)
    commits: list[internal_pb2.CommitOutputsRequest] = field(default_factory=list)
    errors: list[VitascopeError] = field(default_factory=list)

    async def GetMedia(
        self, request: internal_pb2.GetMediaRequest, context: Context
    ) -> internal_pb2.GetMediaResponse:
        await self._fail(context)
        if request.video_id not in self.media:
            self.errors.append(NotFound("There is no such file."))
            await self._fail(context)
        return internal_pb2.GetMediaResponse(media=self.media[request.video_id])

    async def CommitOutputs(
        self, request: internal_pb2.CommitOutputsRequest, context: Context
    ) -> internal_pb2.CommitOutputsResponse:
        self.commits.append(request)
        await self._fail(context)
        of_part = request.destination.HasField("part")
        return internal_pb2.CommitOutputsResponse(
            outputs=[
                internal_pb2.CommittedOutput(
                    name=each.name,
                    path=each.storage_key if of_part else f"ACCOUNT/KEY/{each.file_name}",
                )
                for each in request.outputs
            ]
        )

    async def _fail(self, context: Context) -> None:
        if self.errors:
            code, message, _ = to_status(self.errors.pop(0))
            await context.abort(code, message)


@asynccontextmanager
async def serving(ledger: FakeLedger, store: FakeStore, port: int = 0) -> AsyncIterator[int]:
    """Serve both on a loopback port, which is yielded."""
    server = grpc.aio.server()
    work_pb2_grpc.add_LedgerServiceServicer_to_server(ledger, server)
    internal_pb2_grpc.add_StoreServiceServicer_to_server(store, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)
