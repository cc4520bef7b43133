"""Records as the messages of the contract."""

from datetime import datetime

from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from services.videos.api.addresses import Addresses
from services.videos.api.parameters import parameters_message
from services.videos.model.records import Project, Status, Video
from vitascope.videos.v1 import projects_pb2, video_pb2


def project_message(project: Project) -> projects_pb2.Project:
    """A project."""
    return projects_pb2.Project(
        id=project.id,
        name=project.name,
        team_id=project.team_id,
        date_created=_timestamp(project.created_at),
        time_last_updated=_timestamp(project.updated_at),
    )


def project_listing(project: Project, addresses: Addresses) -> projects_pb2.ProjectListing:
    """A project in a list."""
    return projects_pb2.ProjectListing(
        links=_self_link(addresses.project(project.id)),
        id=project.id,
        name=project.name,
        date_created=_timestamp(project.created_at),
        time_last_updated=_timestamp(project.updated_at),
    )


def video_listing(video: Video, addresses: Addresses) -> video_pb2.VideoListing:
    """A video in a list."""
    return video_pb2.VideoListing(
        links=_self_link(addresses.video(video.id)),
        id=video.id,
        parent_id=video.parent_id,
        project_id=video.project_id,
        name=video.name or "",
        filename=_file_name(video),
        date_created=_timestamp(video.created_at),
        time_last_updated=_timestamp(video.updated_at),
    )


def video_message(video: Video) -> video_pb2.Video:
    """A video with all that is known of it."""
    return video_pb2.Video(
        id=video.id,
        name=video.name or "",
        # Nothing in the API writes it; the document shows it always there.
        description="",
        attributes=_attributes(video),
        project_id=video.project_id,
        user_id=video.user_id,
        team_id=video.team_id,
        parent_id=video.parent_id,
        upload=_upload(video),
        ingestion=_ingestion(video),
        processing=_processing(video),
        date_created=_timestamp(video.created_at),
        time_last_updated=_timestamp(video.updated_at),
    )


def ingestion_state(video: Video) -> video_pb2.IngestionState:
    """How far the ingestion is; a processed video counts as ingested once it is DONE."""
    work = video.work
    state = video_pb2.IngestionState(
        updated_at=_timestamp(work.updated_at),
        ingestion_status=work.status,
        video_metadata_available=video.metadata is not None,
        video_metadata_committed=video.metadata is not None and work.status is Status.DONE,
        processing_progress_percent=work.percent,
        eta_seconds=work.eta_seconds,
        error_message=work.error_message,
        thumbnails_available=video.thumbnails,
        web_video_available=video.web_video,
    )
    if video.parent_id is not None and work.status is not Status.DONE:
        state = video_pb2.IngestionState(
            updated_at=_timestamp(video.created_at),
            ingestion_status=Status.INITIAL,
            processing_progress_percent=0.0,
        )
    return state


def processing_state(video: Video) -> video_pb2.ProcessingState:
    """How far the processing is."""
    return video_pb2.ProcessingState(
        updated_at=_timestamp(video.work.updated_at),
        processing_status=video.work.status,
        processing_progress_percent=video.work.percent,
        eta_seconds=video.work.eta_seconds,
        error_message=video.work.error_message,
    )


def _upload(video: Video) -> video_pb2.Upload | None:
    upload = video.upload
    if upload is None:
        return None
    whole = upload.status is Status.DONE
    return video_pb2.Upload(
        upload_state=video_pb2.UploadState(
            updated_at=_timestamp(upload.updated_at), upload_status=upload.status
        ),
        has_finished_uploading=whole,
        file_name=upload.file_name,
        file_size=upload.file_size,
        file_type=upload.file_type,
        file_container_name=(video.metadata or {}).get("long_container_name"),
        file_time_last_modified=_timestamp(upload.updated_at) if whole else None,
    )


def _attributes(video: Video) -> Struct:
    """What the documented fields have no place for: readers of those may be strict."""
    attributes = Struct()
    heuristics = (video.metadata or {}).get("scanning", {}).get("heuristics", {})
    if pulldown := heuristics.get("pulldown"):
        attributes["pulldown"] = pulldown
    return attributes


def _ingestion(video: Video) -> video_pb2.Ingestion:
    ingestion = video_pb2.Ingestion(ingestion_state=ingestion_state(video))
    if video.metadata is not None:
        ParseDict(dict(video.metadata), ingestion.metadata, ignore_unknown_fields=True)
        if ingestion.metadata.scanning.HasField("heuristics"):
            ingestion.metadata.scanning.heuristics.ClearField("pulldown")
    if video.quality is not None:
        ParseDict(dict(video.quality), ingestion.quality_assessment, ignore_unknown_fields=True)
    return ingestion


def _processing(video: Video) -> video_pb2.Processing | None:
    if video.target is None:
        return None
    return video_pb2.Processing(
        processing_state=processing_state(video),
        processing_parameters=parameters_message(video.target),
    )


def _file_name(video: Video) -> str | None:
    if video.target is not None:
        return video.target.file_name
    return video.upload.file_name if video.upload is not None else None


def _self_link(address: str) -> projects_pb2.SelfLink:
    return projects_pb2.SelfLink(self=projects_pb2.Link(href=address))


def _timestamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
