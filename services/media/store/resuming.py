"""Rows of uploads in several requests."""

from datetime import datetime

from sqlalchemy import Row, delete, insert, select, update

from services.chassis.database import Tx
from services.media.model.files import Upload
from services.media.model.resumable import Resumable
from services.media.store.tables import resumables


async def insert_resumable(tx: Tx, resumable: Resumable) -> None:
    """Begin an upload."""
    values = {name: value for name, value in vars(resumable).items() if name != "upload"}
    await tx.execute(insert(resumables).values(**values, **vars(resumable.upload)))


async def find_resumable(tx: Tx, upload_id: str, *, lock: bool = False) -> Resumable | None:
    """The upload with this id; `lock` keeps others from changing it until `tx` ends."""
    query = select(resumables).where(resumables.c.upload_id == upload_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    return None if row is None else _record(row)


async def find_of_video(tx: Tx, video_id: str) -> Resumable | None:
    """The upload of a video that is not done, locked until `tx` ends."""
    query = select(resumables).where(
        resumables.c.video_id == video_id, resumables.c.done.is_(False)
    )
    row = (await tx.execute(query.with_for_update())).one_or_none()
    return None if row is None else _record(row)


async def set_writer(tx: Tx, upload_id: str, writer: str) -> None:
    """Note which request adds bytes; what any other one notes is refused from now on."""
    row = update(resumables).where(resumables.c.upload_id == upload_id)
    await tx.execute(row.values(writer=writer))


async def note_progress(
    tx: Tx,
    upload_id: str,
    writer: str,
    *,
    offset: int,
    state: str,
    expires_at: datetime,
    goes_on: bool,
) -> bool:
    """Note what is safe by now; False when `writer` is not the upload's any more."""
    mine = update(resumables).where(
        resumables.c.upload_id == upload_id, resumables.c.writer == writer
    )
    values = {"offset": offset, "state": state, "expires_at": expires_at}
    noted = mine.values(**values, writer=writer if goes_on else None)
    return (await tx.execute(noted)).rowcount > 0


async def set_done(tx: Tx, upload_id: str) -> None:
    """Note that an upload is the video's file."""
    row = update(resumables).where(resumables.c.upload_id == upload_id)
    await tx.execute(row.values(done=True, writer=None))


async def delete_resumable(tx: Tx, upload_id: str) -> None:
    """Forget an upload."""
    await tx.execute(delete(resumables).where(resumables.c.upload_id == upload_id))


async def delete_of_video(tx: Tx, video_id: str) -> None:
    """Forget the uploads of a video."""
    await tx.execute(delete(resumables).where(resumables.c.video_id == video_id))


async def expired(tx: Tx, before: datetime, limit: int) -> list[Resumable]:
    """Uploads that expired before then, but for those that are whole and not done yet."""
    resting = resumables.c.done | (resumables.c.offset < resumables.c.length)
    query = select(resumables).where(resumables.c.expires_at < before, resting)
    rows = await tx.execute(query.order_by(resumables.c.expires_at).limit(limit))
    return [_record(row) for row in rows]


async def unsummed(tx: Tx, limit: int) -> list[Resumable]:
    """Uploads that are whole and whose SHA-256 is not known yet."""
    query = select(resumables).where(
        resumables.c.done.is_(False), resumables.c.offset == resumables.c.length
    )
    rows = await tx.execute(query.order_by(resumables.c.expires_at).limit(limit))
    return [_record(row) for row in rows]


def _record(row: Row[tuple[object, ...]]) -> Resumable:
    return Resumable(
        upload_id=row.upload_id,
        team_id=row.team_id,
        upload=Upload(row.video_id, row.storage_key, row.file_name, row.content_type, row.light),
        length=row.length,
        offset=row.offset,
        state=row.state,
        writer=row.writer,
        metadata=row.metadata,
        expires_at=row.expires_at,
        done=row.done,
    )
