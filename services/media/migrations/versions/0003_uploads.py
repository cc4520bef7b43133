"""Uploads in several requests, and what each account stores."""

import sqlalchemy as sa
from alembic import op

from services.chassis.database import Utc

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables. Whose the files are that are here already is asked of the catalogue."""
    op.create_table(
        "resumables",
        sa.Column("upload_id", sa.String(32), primary_key=True),
        sa.Column("video_id", sa.String(36), nullable=False, index=True),
        sa.Column("team_id", sa.String(255), nullable=False),
        sa.Column("storage_key", sa.String(512), nullable=False, unique=True),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("content_type", sa.String(255), nullable=False),
        sa.Column("light", sa.Boolean, nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("writer", sa.String(32)),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("expires_at", Utc, nullable=False, index=True),
        sa.Column("done", sa.Boolean, nullable=False),
    )
    op.create_table("accounts", sa.Column("account_id", sa.String(255), primary_key=True))
    with op.batch_alter_table("media") as media:
        media.add_column(sa.Column("team_id", sa.String(255)))
        media.add_column(sa.Column("reserved", sa.BigInteger))
    op.create_index("ix_media_team_id", "media", ["team_id"])
