"""Doubles of the services that the catalogue talks to."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.chassis.errors import NotFound, Unavailable
from vitascope.media.v1 import internal_pb2 as media_pb2
from vitascope.media.v1 import internal_pb2_grpc as media_pb2_grpc
from vitascope.media.v1 import operations_pb2
from vitascope.work.v1 import work_pb2, work_pb2_grpc

METADATA = operations_pb2.VideoMetadata(
    container_name="mp4",
    long_container_name="QuickTime / MOV",
    codec_name="h264",
    long_codec_name="H.264 / AVC",
    pixel_format=operations_pb2.PixelFormat(
        name="yuv420p",
        chroma_subsampling=operations_pb2.ChromaSubsamplingInfo(yuv="4:2:0", bits=8),
    ),
    frame_width=560,
    frame_height=320,
    display_aspect_ratio=1.75,
    scanning=operations_pb2.Scanning(
        metadata=operations_pb2.ScanningFinding(scanning_type="progressive")
    ),
    average_framerate=30.0,
    duration_in_millis=5000,
    total_frames=150,
    size=400_000,
    video_stream_size=350_000,
    primary_bit_depth=8,
)
"""What ingestion finds in the film of these tests: 350 kB in 5 s are 560 kbit/s."""


class FakeLedger(work_pb2_grpc.LedgerServiceServicer):
    """A ledger that remembers, and that can be away."""

    def __init__(self) -> None:
        self.items: dict[str, work_pb2.Item] = {}
        self.submissions: list[work_pb2.Submission] = []
        self.cancelled: list[str] = []
        self.away = False
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def Submit(
        self, request: work_pb2.SubmitRequest, context: Any
    ) -> work_pb2.SubmitResponse:
        self._check()
        if self.meanwhile:
            await self.meanwhile()
        for each in request.submissions:
            self.submissions.append(each)
            item = work_pb2.Item(
                owner=each.owner,
                request_id=each.request_id,
                kind=each.kind,
                state=work_pb2.STATE_QUEUED,
            )
            self.items.setdefault(each.request_id, item)
        return work_pb2.SubmitResponse(
            items=[self.items[s.request_id] for s in request.submissions]
        )

    async def GetItems(
        self, request: work_pb2.GetItemsRequest, context: Any
    ) -> work_pb2.GetItemsResponse:
        self._check()
        known = [self.items[name] for name in request.request_ids if name in self.items]
        return work_pb2.GetItemsResponse(items=known)

    async def CancelItems(
        self, request: work_pb2.CancelItemsRequest, context: Any
    ) -> work_pb2.CancelItemsResponse:
        self._check()
        self.cancelled += request.request_ids
        return work_pb2.CancelItemsResponse()

    async def FindItems(self, request: Any, context: Any) -> work_pb2.FindItemsResponse:
        raise AssertionError("the catalogue knows its work by names")

    async def SaveCheckpoint(self, request: Any, context: Any) -> work_pb2.SaveCheckpointResponse:
        raise AssertionError("the catalogue does not work")

    def Work(self, request_iterator: Any, context: Any) -> Any:
        raise AssertionError("the catalogue does not work")

    def _check(self) -> None:
        if self.away:
            raise Unavailable("The ledger is away.")


class FakeStore(media_pb2_grpc.StoreServiceServicer):
    """The media service's knowledge of stored files."""

    def __init__(self) -> None:
        self.files: dict[str, media_pb2.StoredMedia] = {}
        self.asked: list[str] = []

    async def GetMedia(
        self, request: media_pb2.GetMediaRequest, context: Any
    ) -> media_pb2.GetMediaResponse:
        assert request.role == media_pb2.ROLE_ORIGINAL
        self.asked.append(request.video_id)
        if request.video_id not in self.files:
            raise NotFound("There is no such file.")
        return media_pb2.GetMediaResponse(media=self.files[request.video_id])

    def CommitOutputs(self, request: Any, context: Any) -> Any:
        raise AssertionError("the catalogue commits no outputs")


def stored(video_id: str, file_name: str = "film.mp4", **facts: Any) -> media_pb2.StoredMedia:
    """What media says of an original."""
    return media_pb2.StoredMedia(
        video_id=video_id,
        role=media_pb2.ROLE_ORIGINAL,
        file_name=file_name,
        **{"size": 400_000, "content_type": "video/mp4", **facts},
    )
