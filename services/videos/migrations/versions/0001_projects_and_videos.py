"""Projects and videos, the outbox and the inbox."""

import sqlalchemy as sa
from alembic import op

from services.chassis.database import Utc
from services.chassis.events import inbox_table, outbox_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "projects",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("team_id", sa.String(36), nullable=False),
        sa.Column("created_at", Utc, nullable=False),
        sa.Column("updated_at", Utc, nullable=False),
    )
    op.create_index("projects_of_team", "projects", ["team_id", "created_at"])
    op.create_table(
        "videos",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.Text),
        sa.Column("project_id", sa.String(36), sa.ForeignKey("projects.id")),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("team_id", sa.String(36), nullable=False),
        sa.Column("parent_id", sa.String(36), sa.ForeignKey("videos.id")),
        *_upload_columns(),
        *_work_columns(),
        *(sa.Column(name, sa.JSON) for name in ("metadata", "quality", "target")),
        sa.Column("created_at", Utc, nullable=False),
        sa.Column("updated_at", Utc, nullable=False),
        sa.Column("look_at", Utc),
    )
    op.create_index("videos_of_team", "videos", ["team_id", "created_at"])
    for column in ("project_id", "parent_id", "work_dispatch", "look_at"):
        op.create_index(f"ix_videos_{column}", "videos", [column])
    for table in (outbox_table(sa.MetaData()), inbox_table(sa.MetaData())):
        table.create(op.get_bind())


def _upload_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("upload_status", sa.String(16)),
        sa.Column("upload_updated_at", Utc),
        sa.Column("file_name", sa.Text),
        sa.Column("file_size", sa.BigInteger),
        sa.Column("file_type", sa.Text),
        sa.Column("light", sa.Boolean),
    ]


def _work_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("work_status", sa.String(16), nullable=False),
        sa.Column("work_updated_at", Utc, nullable=False),
        sa.Column("work_dispatch", sa.String(16), nullable=False),
        sa.Column("work_percent", sa.Float, nullable=False),
        sa.Column("work_eta_seconds", sa.Float),
        sa.Column("work_error_message", sa.Text),
    ]
