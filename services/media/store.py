"""All SQL of the media service."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    delete,
    insert,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError

from services.chassis import database
from services.chassis.database import Tx, Utc
from services.chassis.events import inbox_table, outbox_table
from services.media.model.files import (
    AlreadyUploaded,
    Attempt,
    Media,
    Output,
    OutputAddress,
    Role,
    StoredFile,
    Upload,
)

metadata = MetaData()
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)

# A row without size, hash and stored_at is an upload that runs. `touched_at` is when it last gave
# a sign of life or, for a stored file, when its video was last known to exist.
media = Table(
    "media",
    metadata,
    Column("video_id", String(36), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("storage_key", String(512), nullable=False, unique=True),
    Column("file_name", String(255), nullable=False),
    Column("content_type", String(255), nullable=False),
    Column("light", Boolean, nullable=False),
    Column("size", BigInteger),
    Column("sha256", String(64)),
    Column("stored_at", Utc),
    Column("touched_at", Utc, nullable=False, index=True),
    Column("item_id", String(255)),
)
outputs = Table(
    "outputs",
    metadata,
    Column("account_id", String(255), primary_key=True),
    Column("item_id", String(255), primary_key=True, index=True),
    Column("file_name", String(255), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("storage_key", String(512), nullable=False, unique=True),
    Column("content_type", String(255), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("stored_at", Utc, nullable=False),
)
# Which attempt's outputs are visible; `ask_at` is when the ledger is asked whether they may stay.
commits = Table(
    "commits",
    metadata,
    Column("item_id", String(255), primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("ask_at", Utc, index=True),
)
# Objects that nothing needs any more; the purge deletes them from storage.
discarded = Table("discarded", metadata, Column("storage_key", String(512), primary_key=True))


async def insert_upload(tx: Tx, upload: Upload, at: datetime) -> None:
    """Take the place of the video's original. Raises AlreadyUploaded when it is taken."""
    row = insert(media).values(
        video_id=upload.video_id,
        role=Role.ORIGINAL,
        storage_key=upload.storage_key,
        file_name=upload.file_name,
        content_type=upload.content_type,
        light=upload.light,
        touched_at=at,
    )
    try:
        await tx.execute(row)
    except IntegrityError:
        raise AlreadyUploaded("The video's file is already here or on its way.") from None


async def touch_uploads(tx: Tx, storage_keys: Collection[str], at: datetime) -> None:
    """Note that these uploads are alive."""
    await tx.execute(
        update(media).where(media.c.storage_key.in_(storage_keys)).values(touched_at=at)
    )


async def stale_uploads(tx: Tx, before: datetime, limit: int) -> list[Upload]:
    """The uploads that gave no sign of life since `before`, oldest first."""
    query = select(media).where(media.c.stored_at.is_(None), media.c.touched_at < before)
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
    return None if row is None else _media(row)


async def delete_upload(tx: Tx, storage_key: str) -> bool:
    """Give an upload's place free, unless it is a stored file by now; whether there was one."""
    gone = delete(media).where(media.c.storage_key == storage_key, media.c.stored_at.is_(None))
    return (await tx.execute(gone)).rowcount > 0


async def find_media(tx: Tx, video_id: str, role: Role) -> Media | None:
    """A video's file, when it is whole."""
    query = select(media).where(
        media.c.video_id == video_id, media.c.role == role, media.c.stored_at.is_not(None)
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _media(row)


async def unconfirmed_videos(tx: Tx, before: datetime, limit: int) -> list[str]:
    """Ids of videos with stored files whose existence was last confirmed before then."""
    query = select(media.c.video_id).where(
        media.c.stored_at.is_not(None), media.c.touched_at < before
    )
    return list((await tx.scalars(query.order_by(media.c.touched_at).limit(limit))).all())


async def confirm_video(tx: Tx, video_id: str, at: datetime) -> None:
    """Note that a video exists."""
    stored = update(media).where(media.c.video_id == video_id, media.c.stored_at.is_not(None))
    await tx.execute(stored.values(touched_at=at))


async def delete_video(tx: Tx, video_id: str) -> list[str]:
    """Forget all files of a video, running uploads too; return the keys of their objects."""
    gone = delete(media).where(media.c.video_id == video_id)
    rows = (await tx.execute(gone.returning(media.c.storage_key, media.c.item_id))).all()
    items = [row.item_id for row in rows if row.item_id is not None]
    await tx.execute(delete(commits).where(commits.c.item_id.in_(items)))
    return [row.storage_key for row in rows]


async def claim_commit(tx: Tx, attempt: Attempt, ask_at: datetime) -> int:
    """Make `attempt` the item's visible one unless a newer is; return which was visible before.

    0 stands for none. Until `tx` ends no other transaction can claim the same item.
    """
    before = select(commits.c.attempt).where(commits.c.item_id == attempt.item_id)
    values = {"item_id": attempt.item_id, "attempt": attempt.number, "ask_at": ask_at}
    claim = database.insert(tx, commits).values(values)
    fresh = claim.on_conflict_do_nothing().returning(commits.c.attempt)
    if (await tx.execute(fresh)).one_or_none() is not None:
        return 0
    visible = (await tx.execute(before.with_for_update())).scalar_one()
    if visible < attempt.number:
        newer = update(commits).where(commits.c.item_id == attempt.item_id)
        await tx.execute(newer.values(values))
    return int(visible)


async def unsettled(tx: Tx, before: datetime, limit: int) -> list[Attempt]:
    """Visible attempts about which the ledger is to be asked before then."""
    query = select(commits).where(commits.c.ask_at <= before).order_by(commits.c.ask_at)
    return [Attempt(row.item_id, row.attempt) for row in await tx.execute(query.limit(limit))]


async def ask_later(tx: Tx, item_ids: Collection[str], at: datetime | None) -> None:
    """Set when the ledger is asked about items again; None for never."""
    await tx.execute(update(commits).where(commits.c.item_id.in_(item_ids)).values(ask_at=at))


async def withdraw(tx: Tx, attempt: Attempt) -> list[str]:
    """Forget an attempt's outputs if they are visible; return the keys of their objects."""
    visible = commits.c.item_id == attempt.item_id, commits.c.attempt == attempt.number
    mine = await tx.scalar(select(commits.c.item_id).where(*visible).with_for_update())
    if mine is None:
        return []
    await ask_later(tx, [mine], None)
    gone = delete(media).where(media.c.item_id == mine).returning(media.c.storage_key)
    return await delete_outputs(tx, mine) + list((await tx.scalars(gone)).all())


async def delete_processed(tx: Tx, video_id: str) -> list[str]:
    """Forget a video's processed file; return the keys of what nothing needs any more."""
    gone = delete(media).where(media.c.video_id == video_id, media.c.role == Role.PROCESSED)
    return list((await tx.scalars(gone.returning(media.c.storage_key))).all())


async def insert_processed(tx: Tx, video_id: str, item_id: str, file: StoredFile) -> Media:
    """Make `file` the video's processed file."""
    row = insert(media).values(
        video_id=video_id,
        role=Role.PROCESSED,
        light=False,
        touched_at=file.stored_at,
        item_id=item_id,
        **vars(file),
    )
    await tx.execute(row)
    return Media(video_id, Role.PROCESSED, light=False, file=file)


async def delete_outputs(tx: Tx, item_id: str) -> list[str]:
    """Forget an item's outputs; return the keys of what nothing needs any more."""
    gone = delete(outputs).where(outputs.c.item_id == item_id)
    return list((await tx.scalars(gone.returning(outputs.c.storage_key))).all())


async def insert_outputs(tx: Tx, account_id: str, item_id: str, made: Sequence[Output]) -> None:
    """Make files the outputs of an item."""
    for output in made:
        row = insert(outputs).values(
            account_id=account_id, item_id=item_id, name=output.name, **vars(output.file)
        )
        await tx.execute(row)


async def find_outputs(tx: Tx, item_id: str) -> dict[str, OutputAddress]:
    """The addresses of an item's visible outputs by their names in the result."""
    rows = await tx.execute(select(outputs).where(outputs.c.item_id == item_id))
    return {row.name: OutputAddress(row.account_id, row.item_id, row.file_name) for row in rows}


async def find_output(tx: Tx, address: OutputAddress) -> StoredFile | None:
    """The file that is served at an address."""
    query = select(outputs).where(
        outputs.c.account_id == address.account_id,
        outputs.c.item_id == address.item_id,
        outputs.c.file_name == address.file_name,
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _file(row)


async def discard(tx: Tx, storage_keys: Collection[str]) -> None:
    """Have objects deleted from storage; saying so twice is fine."""
    for key in storage_keys:
        row = database.insert(tx, discarded).values(storage_key=key)
        await tx.execute(row.on_conflict_do_nothing())


async def discarded_keys(tx: Tx, limit: int) -> list[str]:
    """Some of the objects that wait to be deleted from storage."""
    return list((await tx.scalars(select(discarded.c.storage_key).limit(limit))).all())


async def forget_discarded(tx: Tx, storage_keys: Collection[str]) -> None:
    """Note that discarded objects are gone from storage."""
    await tx.execute(delete(discarded).where(discarded.c.storage_key.in_(storage_keys)))


async def known_keys(tx: Tx, storage_keys: Collection[str]) -> set[str]:
    """Those of the keys that belong to a running upload, a stored file or the discarded."""
    asked = [
        select(table.c.storage_key).where(table.c.storage_key.in_(storage_keys))
        for table in (media, outputs, discarded)
    ]
    return set((await tx.scalars(union_all(*asked))).all())


def _media(row: Row[tuple[object, ...]]) -> Media:
    return Media(row.video_id, Role(row.role), row.light, _file(row))


def _file(row: Row[tuple[object, ...]]) -> StoredFile:
    return StoredFile(
        storage_key=row.storage_key,
        size=row.size,
        sha256=row.sha256,
        file_name=row.file_name,
        content_type=row.content_type,
        stored_at=row.stored_at,
    )
