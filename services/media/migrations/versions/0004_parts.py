"""What parts of items made, for the items to join."""

import sqlalchemy as sa
from alembic import op

from services.chassis.database import Utc

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "parts",
        sa.Column("storage_key", sa.String(512), primary_key=True),
        sa.Column("item_id", sa.String(255), nullable=False, index=True),
        sa.Column("whole_id", sa.String(255), nullable=False, index=True),
        sa.Column("ask_at", Utc, nullable=False, index=True),
    )
