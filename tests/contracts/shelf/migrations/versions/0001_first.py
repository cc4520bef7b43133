"""Shelves, and events."""

import sqlalchemy as sa
from alembic import op

from services.chassis.database import Utc
from services.chassis.events import inbox_table, outbox_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "shelves",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("built_at", Utc),
    )
    for table in (outbox_table(sa.MetaData()), inbox_table(sa.MetaData())):
        table.create(op.get_bind())
