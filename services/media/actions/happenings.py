"""The events that the media service tells: topic, key and message of each."""

from google.protobuf.timestamp_pb2 import Timestamp

from services.media.model.files import Media, Role, Upload
from vitascope.media.v1.events_pb2 import MediaEvent, MediaStored, UploadAbandoned, UploadStarted
from vitascope.media.v1.internal_pb2 import Role as RoleNumber
from vitascope.media.v1.internal_pb2 import StoredMedia

TOPIC = "vitascope.media.v1"

Happening = tuple[str, str, MediaEvent]

ROLES = {role: RoleNumber.Value(f"ROLE_{role.name}") for role in Role}
"""The contract's number of each role."""


def started(upload: Upload) -> Happening:
    """Bytes of an original begin to arrive."""
    event = MediaEvent(video_id=upload.video_id, upload_started=UploadStarted())
    return TOPIC, upload.video_id, event


def abandoned(upload: Upload) -> Happening:
    """An upload broke off."""
    event = MediaEvent(video_id=upload.video_id, upload_abandoned=UploadAbandoned())
    return TOPIC, upload.video_id, event


def stored(media: Media) -> Happening:
    """A file is whole."""
    happening = MediaStored(media=stored_media(media))
    return TOPIC, media.video_id, MediaEvent(video_id=media.video_id, media_stored=happening)


def stored_media(media: Media) -> StoredMedia:
    """A file as the contract describes it."""
    stored_at = Timestamp()
    stored_at.FromDatetime(media.file.stored_at)
    return StoredMedia(
        video_id=media.video_id,
        role=ROLES[media.role],
        storage_key=media.file.storage_key,
        size=media.file.size,
        sha256=media.file.sha256,
        file_name=media.file.file_name,
        content_type=media.file.content_type,
        light=media.light,
        stored_at=stored_at,
    )
