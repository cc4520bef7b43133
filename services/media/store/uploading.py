"""Rows of originals on their way."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.chassis.database import Tx
from services.media.model.files import AlreadyUploaded, Media, Role, Upload
from services.media.store import accounting
from services.media.store.rows import media_of
from services.media.store.tables import media, resumables


async def insert_upload(
    tx: Tx, upload: Upload, at: datetime, *, team_id: str | None = None, reserved: int = 0
) -> None:
    """Take the place of the video's original, and `reserved` bytes of the team's storage.

    Raises AlreadyUploaded when it is taken.
    """
    row = insert(media).values(
        video_id=upload.video_id,
        role=Role.ORIGINAL,
        storage_key=upload.storage_key,
        file_name=upload.file_name,
        content_type=upload.content_type,
        light=upload.light,
        touched_at=at,
        team_id=team_id,
        reserved=reserved,
    )
    try:
        await tx.execute(row)
    except IntegrityError:
        raise AlreadyUploaded("The video's file is already here or on its way.") from None
    if team_id is not None:
        await accounting.count(tx, team_id, media=reserved)


async def touch_uploads(tx: Tx, storage_keys: Collection[str], at: datetime) -> None:
    """Note that these uploads are alive."""
    await tx.execute(
        update(media).where(media.c.storage_key.in_(storage_keys)).values(touched_at=at)
    )


async def stale_uploads(tx: Tx, before: datetime, limit: int) -> list[Upload]:
    """The uploads that gave no sign of life since `before`, oldest first.

    Without those in several requests, which may rest between them.
    """
    resting = exists().where(resumables.c.storage_key == media.c.storage_key)
    query = select(media).where(media.c.stored_at.is_(None), media.c.touched_at < before, ~resting)
    rows = await tx.execute(query.order_by(media.c.touched_at).limit(limit))
    return [
        Upload(row.video_id, row.storage_key, row.file_name, row.content_type, row.light)
        for row in rows
    ]


async def finish_upload(
    tx: Tx, upload: Upload, size: int, sha256: str, at: datetime
) -> Media | None:
    """Make an upload a stored file; None when the upload has lost its place."""
    done = (
        update(media)
        .where(media.c.storage_key == upload.storage_key, media.c.stored_at.is_(None))
        .values(size=size, sha256=sha256, stored_at=at, touched_at=at)
        .returning(*media.c)
    )
    row = (await tx.execute(done)).one_or_none()
    if row is None:
        return None
    if row.team_id is not None:
        await accounting.count(tx, row.team_id, media=size - (row.reserved or 0))
    return media_of(row)


async def delete_upload(tx: Tx, storage_key: str) -> bool:
    """Give an upload's place free, unless it is a stored file by now; whether there was one."""
    gone = delete(media).where(media.c.storage_key == storage_key, media.c.stored_at.is_(None))
    rows = (await tx.execute(gone.returning(*media.c))).all()
    await accounting.count_gone(tx, rows)
    return bool(rows)
