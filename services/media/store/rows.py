"""Rows as records."""

from datetime import datetime, timedelta

from sqlalchemy import Row

from services.media.model.files import Media, OutputAddress, Role, StoredFile
from services.media.model.outputs import KeptOutput


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


def kept_of(row: Row[tuple[object, ...]], expiration_days: int) -> KeptOutput:
    """An output of an account that has this expiration, 0 for none."""
    ends_at: datetime | None = row.ends_at
    if ends_at is None and expiration_days:
        ends_at = row.stored_at + timedelta(days=expiration_days)
    address = OutputAddress(row.account_id, row.item_id, row.file_name)
    return KeptOutput(address, file_of(row), ends_at)
