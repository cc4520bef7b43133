"""Servicers of the real contract, one RPC of each of the four kinds, that do what a test says."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from google.api import httpbody_pb2

from services.chassis.auth import identity
from services.chassis.server import Registration
from services.chassis.telemetry import request_id
from vitascope.media.v1 import media_pb2, media_pb2_grpc
from vitascope.work.v1 import work_pb2, work_pb2_grpc

Act = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    """Let the call go on."""


# The RPCs that no test calls.
_unused: Any = None


class Ledger(work_pb2_grpc.LedgerServiceServicer):
    """Submit is unary, Work is bidirectional. Answers name the caller and the request."""

    GetItems = CancelItems = FindItems = SaveCheckpoint = _unused

    def __init__(self, act: Act = _nothing) -> None:
        self.act = act
        self.reached = 0

    async def Submit(
        self, request: work_pb2.SubmitRequest, context: Any
    ) -> work_pb2.SubmitResponse:
        self.reached += 1
        await self.act()
        item = work_pb2.Item(owner=identity().service or "", request_id=request_id())
        return work_pb2.SubmitResponse(items=[item])

    async def Work(
        self, request_iterator: AsyncIterator[work_pb2.WorkRequest], context: Any
    ) -> AsyncIterator[work_pb2.WorkResponse]:
        self.reached += 1
        async for _ in request_iterator:
            yield work_pb2.WorkResponse(
                assignment=work_pb2.Assignment(account_id=identity().service or "")
            )
            await self.act()


class Media(media_pb2_grpc.MediaServiceServicer):
    """UploadMedia streams in, DownloadOriginal streams out. Answers name the caller."""

    UploadLightMedia = DownloadProcessed = DownloadOutput = _unused
    DownloadScreenshot = DownloadWebVideo = DownloadStoryboard = _unused
    CreateLink = DownloadLinked = _unused

    def __init__(self, act: Act = _nothing) -> None:
        self.act = act
        self.reached = 0
        self.closed = 0
        self.size = 0
        self.times = 2

    async def UploadMedia(
        self, request_iterator: AsyncIterator[media_pb2.UploadMediaRequest], context: Any
    ) -> media_pb2.UploadMediaResponse:
        self.reached += 1
        size = 0
        async for request in request_iterator:
            size += len(request.file.data)
        await self.act()
        return media_pb2.UploadMediaResponse(
            project_id=str(size), video_id=identity().user_id or ""
        )

    async def DownloadOriginal(
        self, request: media_pb2.DownloadOriginalRequest, context: Any
    ) -> AsyncIterator[httpbody_pb2.HttpBody]:
        self.reached += 1
        data = (identity().team_id or "").encode().ljust(self.size)
        try:
            for _ in range(self.times):
                yield httpbody_pb2.HttpBody(data=data)
            await self.act()
        finally:
            self.closed += 1


def register(ledger: Ledger, media: Media | None = None) -> list[Registration]:
    """Return what `create_server` and `serve` take."""
    return [
        (work_pb2_grpc.add_LedgerServiceServicer_to_server, ledger),
        (media_pb2_grpc.add_MediaServiceServicer_to_server, media or Media()),
    ]
