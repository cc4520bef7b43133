"""What this service says to the ledger of work, and what it understands of the answers."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message

from services.chassis.clients import Clients
from services.videos.model.records import News, Outcome, Video
from services.videos.model.targets import Target
from vitascope.media.v1 import operations_pb2
from vitascope.work.v1 import work_pb2, work_pb2_grpc

OWNER = "videos"

# Lower comes first within an account.
_BEFORE_CONVERSIONS = -10

_OUTCOMES = {
    work_pb2.STATE_SUCCESS: Outcome.DONE,
    work_pb2.STATE_ERROR: Outcome.FAILED,
    work_pb2.STATE_CANCELLED: Outcome.FAILED,
}


class Ledger:
    """The ledger, in the words of the catalogue. Methods raise VitascopeError."""

    def __init__(self, clients: Clients) -> None:
        self._stub: work_pb2_grpc.LedgerServiceAsyncStub = clients.stub(
            work_pb2_grpc.LedgerServiceStub
        )

    async def submit(self, video: Video) -> None:
        """Have a video's work done; a repeat changes nothing."""
        await self._stub.Submit(work_pb2.SubmitRequest(submissions=[submission_of(video)]))

    async def ask(self, names: Sequence[str]) -> list[News]:
        """Return what is known of the named works; unknown ones are left out."""
        request = work_pb2.GetItemsRequest(owner=OWNER, request_ids=names)
        return [news_of(item) for item in (await self._stub.GetItems(request)).items]

    async def cancel(self, names: Iterable[str]) -> None:
        """Call the named works off; those that have ended or are unknown stay as they are."""
        await self._stub.CancelItems(
            work_pb2.CancelItemsRequest(owner=OWNER, request_ids=list(names))
        )


def submission_of(video: Video) -> work_pb2.Submission:
    """The work that a video waits for: ingestion of an original, processing of a child."""
    submission = work_pb2.Submission(
        owner=OWNER, account_id=video.team_id, request_id=video.work_name
    )
    submission.destination.video.video_id = video.id
    if video.target is None or video.parent_id is None:
        light = video.upload is not None and video.upload.light
        submission.kind = "video.ingest"
        # Reading metadata takes seconds; making a version for browsers as long as a conversion,
        # but people wait for it before they ask for one.
        submission.lane = work_pb2.LANE_SHORT if light else work_pb2.LANE_LONG
        submission.priority = _BEFORE_CONVERSIONS
        ingestion = operations_pb2.VideoIngestSpec(video_id=video.id, light=light)
        submission.spec = ingestion.SerializeToString()
        return submission
    submission.kind = "video.process"
    submission.lane = work_pb2.LANE_LONG
    spec = _conversion(video.target)
    spec.source_video_id, spec.video_id = video.parent_id, video.id
    submission.spec = spec.SerializeToString()
    return submission


def _conversion(target: Target) -> operations_pb2.VideoProcessSpec:
    rate = Fraction(target.frame_rate) if target.frame_rate else None
    return operations_pb2.VideoProcessSpec(
        container=target.container,
        codec=target.codec,
        profile=target.profile,
        width=target.width,
        height=target.height,
        # What profiles decide is known, but not to be asked for.
        bitrate=0 if target.profile else target.bitrate or 0,
        pixel_format=target.pixel_format,
        file_name=target.file_name,
        source_field_order=target.source_field_order,
        deinterlacer=target.deinterlacer,
        denoiser=target.denoiser,
        scaler=target.scaler,
        frame_rate_converter=target.frame_rate_converter,
        frame_rate=operations_pb2.Ratio(numerator=rate.numerator, denominator=rate.denominator)
        if rate
        else None,
        target_field_order=target.target_field_order,
        start_position_milliseconds=target.clip_start,
        end_position_milliseconds=target.clip_end,
    )


def news_of(item: work_pb2.Item) -> News:
    """Read an item of this service's work. A result that cannot be read is a failure."""
    return replace(_news_of(item), requeued=item.requeued)


def _news_of(item: work_pb2.Item) -> News:
    outcome = _OUTCOMES.get(item.state, Outcome.RUNNING)
    if outcome is Outcome.RUNNING:
        eta = item.eta_seconds if item.HasField("eta_seconds") else None
        return replace(_known(item), percent=item.percent, eta_seconds=eta)
    if outcome is Outcome.FAILED:
        cancelled = item.state == work_pb2.STATE_CANCELLED
        reason = item.error_message or ("The work was cancelled." if cancelled else "")
        return News(item.request_id, outcome, error_message=reason)
    try:
        return _result_of(item)
    except DecodeError:
        reason = "The result of the work could not be read."
        return News(item.request_id, Outcome.FAILED, error_message=reason)


def _known(item: work_pb2.Item) -> News:
    """What is known of an ingestion before its end; files of it are not there yet."""
    news = News(item.request_id, Outcome.RUNNING)
    if not item.result or not item.request_id.startswith("ingest:"):
        return news
    try:
        found = _result_of(item)
    except DecodeError:
        return news
    return replace(news, metadata=found.metadata, quality=found.quality)


def _result_of(item: work_pb2.Item) -> News:
    if not item.request_id.startswith("ingest:"):
        made = operations_pb2.VideoProcessResult.FromString(item.result)
        return News(item.request_id, Outcome.DONE, metadata=_json(made.metadata))
    found = operations_pb2.VideoIngestResult.FromString(item.result)
    assessed = found.HasField("quality_assessment")
    return News(
        item.request_id,
        Outcome.DONE,
        metadata=_json(found.metadata),
        quality=_json(found.quality_assessment) if assessed else None,
        thumbnails=found.thumbnails,
        web_video=found.web_video,
    )


def _json(message: Message) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True)
