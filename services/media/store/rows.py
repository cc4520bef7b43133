"""Rows as records."""

from sqlalchemy import Row

from services.media.model.files import Media, Role, StoredFile


def media_of(row: Row[tuple[object, ...]]) -> Media:
    """A stored file of a video."""
    return Media(row.video_id, Role(row.role), row.light, file_of(row))


def file_of(row: Row[tuple[object, ...]]) -> StoredFile:
    """The file that a row of any table describes."""
    return StoredFile(
        storage_key=row.storage_key,
        size=row.size,
        sha256=row.sha256,
        file_name=row.file_name,
        content_type=row.content_type,
        stored_at=row.stored_at,
    )
