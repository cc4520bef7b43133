"""All SQL of the catalogue: two tables, and what is asked of them."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from services.chassis.database import Tx, Utc
from services.chassis.events import inbox_table, outbox_table
from services.videos.model.records import Dispatch, Project, Status, Upload, Video, Work
from services.videos.model.targets import Target

metadata = sa.MetaData()
outbox_table(metadata)
inbox_table(metadata)

Record = TypeVar("Record")
_ID = sa.String(36)
_JSON = sa.JSON(none_as_null=True)

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("team_id", _ID, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Index("projects_of_team", "team_id", "created_at"),
)

videos = sa.Table(
    "videos",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("project_id", _ID, sa.ForeignKey("projects.id"), index=True),
    sa.Column("user_id", _ID, nullable=False),
    sa.Column("team_id", _ID, nullable=False),
    sa.Column("parent_id", _ID, sa.ForeignKey("videos.id"), index=True),
    sa.Column("upload_status", sa.String(16)),
    sa.Column("upload_updated_at", Utc),
    sa.Column("file_name", sa.Text),
    sa.Column("file_size", sa.BigInteger),
    sa.Column("file_type", sa.Text),
    sa.Column("light", sa.Boolean),
    sa.Column("work_status", sa.String(16), nullable=False),
    sa.Column("work_updated_at", Utc, nullable=False),
    sa.Column("work_dispatch", sa.String(16), nullable=False, index=True),
    sa.Column("work_percent", sa.Float, nullable=False),
    sa.Column("work_eta_seconds", sa.Float),
    sa.Column("work_error_message", sa.Text),
    sa.Column("work_requeued", sa.Integer, nullable=False, server_default="0"),
    sa.Column("metadata", _JSON),
    sa.Column("quality", _JSON),
    sa.Column("thumbnails", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("web_video", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("target", _JSON),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Column("look_at", Utc, index=True),
    sa.Index("videos_of_team", "team_id", "created_at"),
)


@dataclass(frozen=True)
class Page(Generic[Record]):
    """One page of a list, and how many records all pages have together."""

    records: Sequence[Record]
    total: int


async def add_project(tx: Tx, project: Project) -> None:
    """Insert a project."""
    await tx.execute(projects.insert().values(asdict(project)))


async def project(tx: Tx, project_id: str, *, lock: bool = False) -> Project | None:
    """Return a project; `lock` keeps others from changing it until `tx` ends."""
    query = sa.select(projects).where(projects.c.id == project_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    return Project(**row._mapping) if row else None


async def save_project(tx: Tx, project: Project) -> None:
    """Overwrite a project's row."""
    await tx.execute(projects.update().where(projects.c.id == project.id).values(asdict(project)))


async def delete_project(tx: Tx, project_id: str) -> None:
    """Delete a project that no video refers to."""
    await tx.execute(projects.delete().where(projects.c.id == project_id))


async def projects_page(tx: Tx, team_id: str, page: int, page_size: int) -> Page[Project]:
    """Return the team's projects on page `page` (from 1), newest first."""
    query = sa.select(projects).where(projects.c.team_id == team_id)
    rows, total = await _page(tx, query, projects, page, page_size)
    return Page([Project(**row._mapping) for row in rows], total)


async def add_video(tx: Tx, video: Video) -> None:
    """Insert a video."""
    await tx.execute(videos.insert().values(_columns(video)))


async def video(tx: Tx, video_id: str, *, lock: bool = False) -> Video | None:
    """Return a video; `lock` keeps others from changing it until `tx` ends."""
    query = sa.select(videos).where(videos.c.id == video_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    return _video(row) if row else None


async def save_video(tx: Tx, video: Video) -> None:
    """Overwrite a video's row."""
    await tx.execute(videos.update().where(videos.c.id == video.id).values(_columns(video)))


async def delete_videos(tx: Tx, video_ids: Collection[str]) -> None:
    """Delete videos, together with all their children."""
    await tx.execute(videos.delete().where(videos.c.id.in_(video_ids)))


async def children(tx: Tx, video_id: str) -> Sequence[Video]:
    """Return what was made of an original, oldest first."""
    query = sa.select(videos).where(videos.c.parent_id == video_id).order_by(videos.c.created_at)
    return [_video(row) for row in await tx.execute(query)]


async def has_videos(tx: Tx, project_id: str) -> bool:
    """Whether any video is in the project."""
    query = sa.select(sa.exists().where(videos.c.project_id == project_id))
    return bool(await tx.scalar(query))


async def videos_page(
    tx: Tx,
    team_id: str,
    page: int,
    page_size: int,
    *,
    project_id: str | None = None,
    parent_id: str | None = None,
) -> Page[Video]:
    """Return the team's videos on page `page` (from 1), newest first, filtered where asked."""
    query = sa.select(videos).where(videos.c.team_id == team_id)
    if project_id is not None:
        query = query.where(videos.c.project_id == project_id)
    if parent_id is not None:
        query = query.where(videos.c.parent_id == parent_id)
    rows, total = await _page(tx, query, videos, page, page_size)
    return Page([_video(row) for row in rows], total)


async def pending_videos(tx: Tx, limit: int) -> Sequence[Video]:
    """Return videos whose work waits to be submitted, oldest first."""
    query = (
        sa.select(videos)
        .where(videos.c.work_dispatch == Dispatch.PENDING)
        .order_by(videos.c.work_updated_at)
        .limit(limit)
    )
    return [_video(row) for row in await tx.execute(query)]


async def mark_submitted(tx: Tx, video_id: str) -> bool:
    """Note that the ledger has a video's work; False when the video is gone."""
    statement = videos.update().where(videos.c.id == video_id)
    result = await tx.execute(statement.values(work_dispatch=Dispatch.SUBMITTED))
    return result.rowcount > 0


async def overdue_videos(tx: Tx, moment: datetime, limit: int) -> Sequence[Video]:
    """Return videos about which nothing was heard for too long, the longest first."""
    query = (
        sa.select(videos).where(videos.c.look_at <= moment).order_by(videos.c.look_at).limit(limit)
    )
    return [_video(row) for row in await tx.execute(query)]


async def look_now(tx: Tx, moment: datetime) -> None:
    """Make every video that waits for an event overdue at `moment`."""
    await tx.execute(videos.update().where(videos.c.look_at > moment).values(look_at=moment))


async def look_later(tx: Tx, video_id: str, look_at: datetime | None) -> None:
    """Set when a video is overdue."""
    await tx.execute(videos.update().where(videos.c.id == video_id).values(look_at=look_at))


async def _page(
    tx: Tx, query: sa.Select[Any], table: sa.Table, page: int, page_size: int
) -> tuple[Sequence[sa.Row[Any]], int]:
    total = await tx.scalar(query.with_only_columns(sa.func.count()))
    # Ids break ties, so that no row is on two pages.
    ordered = query.order_by(table.c.created_at.desc(), table.c.id)
    rows = await tx.execute(ordered.limit(page_size).offset((page - 1) * page_size))
    return rows.all(), total or 0


def _video(row: sa.Row[Any]) -> Video:
    columns = dict(row._mapping)
    upload = None
    if columns["upload_status"] is not None:
        upload = Upload(
            status=Status(columns["upload_status"]),
            updated_at=columns["upload_updated_at"],
            **{name: columns[name] for name in ("file_name", "file_size", "file_type", "light")},
        )
    work = Work(
        status=Status(columns["work_status"]),
        dispatch=Dispatch(columns["work_dispatch"]),
        **{
            name: columns[f"work_{name}"]
            for name in ("updated_at", "percent", "eta_seconds", "error_message", "requeued")
        },
    )
    plain = ("id", "name", "project_id", "user_id", "team_id", "parent_id")
    findings = ("metadata", "quality", "thumbnails", "web_video")
    times = ("created_at", "updated_at", "look_at")
    target = Target(**columns["target"]) if columns["target"] is not None else None
    kept = {name: columns[name] for name in plain + findings + times}
    return Video(upload=upload, work=work, target=target, **kept)


def _columns(video: Video) -> dict[str, Any]:
    columns = asdict(video)
    upload = columns.pop("upload")
    if upload is not None:
        columns["upload_status"] = upload.pop("status")
        columns["upload_updated_at"] = upload.pop("updated_at")
        columns |= upload
    return columns | {f"work_{name}": value for name, value in columns.pop("work").items()}
