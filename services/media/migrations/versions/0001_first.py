"""Files of videos, outputs of tasks, and what is to be deleted."""

import sqlalchemy as sa
from alembic import op

from services.chassis.database import Utc
from services.chassis.events import inbox_table, outbox_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "media",
        sa.Column("video_id", sa.String(36), primary_key=True),
        sa.Column("role", sa.String(16), primary_key=True),
        sa.Column("storage_key", sa.String(512), nullable=False, unique=True),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("content_type", sa.String(255), nullable=False),
        sa.Column("light", sa.Boolean, nullable=False),
        sa.Column("size", sa.BigInteger),
        sa.Column("sha256", sa.String(64)),
        sa.Column("stored_at", Utc),
        sa.Column("touched_at", Utc, nullable=False, index=True),
        sa.Column("item_id", sa.String(255)),
    )
    op.create_table(
        "outputs",
        sa.Column("account_id", sa.String(255), primary_key=True),
        sa.Column("item_id", sa.String(255), primary_key=True),
        sa.Column("file_name", sa.String(255), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("storage_key", sa.String(512), nullable=False, unique=True),
        sa.Column("content_type", sa.String(255), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("stored_at", Utc, nullable=False),
    )
    op.create_index("ix_outputs_item_id", "outputs", ["item_id"])
    op.create_table(
        "commits",
        sa.Column("item_id", sa.String(255), primary_key=True),
        sa.Column("attempt", sa.Integer, nullable=False),
    )
    op.create_table("discarded", sa.Column("storage_key", sa.String(512), primary_key=True))
    for table in (outbox_table(sa.MetaData()), inbox_table(sa.MetaData())):
        table.create(op.get_bind())
