"""Tells the world what happens to videos."""

from services.chassis.database import Tx
from services.chassis.events import Outbox
from services.videos.model.records import Status, Video
from vitascope.videos.v1 import events_pb2

TOPIC = "vitascope.videos.v1"


async def announce(outbox: Outbox, tx: Tx, video: Video, event: events_pb2.VideoEvent) -> None:
    """Append `event`, which says what happened, as an event about `video`."""
    event.MergeFrom(
        events_pb2.VideoEvent(
            video_id=video.id,
            team_id=video.team_id,
            project_id=video.project_id,
            parent_id=video.parent_id,
        )
    )
    await outbox.append(tx, TOPIC, video.id, event)


def created() -> events_pb2.VideoEvent:
    """The video was made."""
    return events_pb2.VideoEvent(created=events_pb2.VideoCreated())


def deleted() -> events_pb2.VideoEvent:
    """The video is gone."""
    return events_pb2.VideoEvent(deleted=events_pb2.VideoDeleted())


def worked(video: Video) -> events_pb2.VideoEvent:
    """The video's ingestion or processing went on or ended."""
    work = video.work
    if work.status in (Status.DONE, Status.ERROR):
        if video.parent_id is None:
            return events_pb2.VideoEvent(
                ingestion_finished=events_pb2.IngestionFinished(
                    status=work.status, error_message=work.error_message
                )
            )
        return events_pb2.VideoEvent(
            processing_finished=events_pb2.ProcessingFinished(
                status=work.status, error_message=work.error_message
            )
        )
    if video.parent_id is None:
        return events_pb2.VideoEvent(
            ingestion_progressed=events_pb2.IngestionProgressed(
                percent=work.percent, eta_seconds=work.eta_seconds
            )
        )
    return events_pb2.VideoEvent(
        processing_progressed=events_pb2.ProcessingProgressed(
            percent=work.percent, eta_seconds=work.eta_seconds
        )
    )
