"""The files of videos."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, delete, insert, select, update

from services.chassis.database import Tx
from services.media.model.files import Media, Role, StoredFile
from services.media.store import accounting
from services.media.store.rows import media_of
from services.media.store.tables import commits, media


async def find_media(tx: Tx, video_id: str, role: Role) -> Media | None:
    """A video's file, when it is whole."""
    query = select(media).where(
        media.c.video_id == video_id, media.c.role == role, media.c.stored_at.is_not(None)
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else media_of(row)


async def unconfirmed_videos(tx: Tx, before: datetime, limit: int) -> list[str]:
    """Ids of videos with stored files whose existence was last confirmed before then."""
    query = select(media.c.video_id).where(
        media.c.stored_at.is_not(None), media.c.touched_at < before
    )
    return list((await tx.scalars(query.order_by(media.c.touched_at).limit(limit))).all())


async def confirm_video(tx: Tx, video_id: str, team_id: str, at: datetime) -> None:
    """Note that a video exists, and whose it is."""
    of_video = media.c.video_id == video_id, media.c.stored_at.is_not(None)
    others = select(media).where(*of_video, media.c.team_id.is_distinct_from(team_id))
    moved = (await tx.execute(others.with_for_update())).all()
    await tx.execute(update(media).where(*of_video).values(touched_at=at))
    if moved:
        # None but those that are counted: another may have come meanwhile.
        these = media.c.storage_key.in_([row.storage_key for row in moved])
        await tx.execute(update(media).where(these).values(team_id=team_id))
        await accounting.count_gone(tx, moved)
        await accounting.count(tx, team_id, media=sum(map(accounting.counted, moved)))


async def delete_video(tx: Tx, video_id: str) -> list[str]:
    """Forget all files of a video, running uploads too; return the keys of their objects."""
    gone = delete(media).where(media.c.video_id == video_id)
    rows = (await tx.execute(gone.returning(*media.c))).all()
    await accounting.count_gone(tx, rows)
    items = [row.item_id for row in rows if row.item_id is not None]
    await tx.execute(delete(commits).where(commits.c.item_id.in_(items)))
    return [row.storage_key for row in rows]


async def delete_made(tx: Tx, video_id: str) -> list[str]:
    """Forget what work made of or for a video; return the keys of what nothing needs any more."""
    return await _delete(tx, media.c.video_id == video_id, media.c.role != Role.ORIGINAL)


async def delete_made_by(tx: Tx, item_id: str) -> list[str]:
    """Forget what an item of work made; return the keys of what nothing needs any more."""
    return await _delete(tx, media.c.item_id == item_id)


async def insert_made(tx: Tx, video_id: str, role: Role, item_id: str, file: StoredFile) -> Media:
    """Make `file`, which the work `item_id` made, the video's file in that role.

    It counts for its team's storage as soon as the video is confirmed.
    """
    row = insert(media).values(
        video_id=video_id,
        role=role,
        light=False,
        touched_at=file.stored_at,
        item_id=item_id,
        **vars(file),
    )
    await tx.execute(row)
    return Media(video_id, role, light=False, file=file)


async def stored_after(tx: Tx, key: str, limit: int) -> list[Media]:
    """Stored files of videos in the order of their keys in storage, those behind `key`."""
    query = select(media).where(media.c.stored_at.is_not(None), media.c.storage_key > key)
    rows = await tx.execute(query.order_by(media.c.storage_key).limit(limit))
    return [media_of(row) for row in rows]


async def stored_keys(tx: Tx, storage_keys: Collection[str]) -> set[str]:
    """Those of the keys that are stored files of videos."""
    query = select(media.c.storage_key).where(
        media.c.storage_key.in_(storage_keys), media.c.stored_at.is_not(None)
    )
    return set((await tx.scalars(query)).all())


async def _delete(tx: Tx, *which: ColumnElement[bool]) -> list[str]:
    rows = (await tx.execute(delete(media).where(*which).returning(*media.c))).all()
    await accounting.count_gone(tx, rows)
    return [row.storage_key for row in rows]
