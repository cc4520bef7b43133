"""Books on shelves, and how heavy those are."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("shelves", sa.Column("weight", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "books",
        sa.Column("title", sa.Text, primary_key=True),
        sa.Column("shelf_id", sa.String(36), sa.ForeignKey("shelves.id"), nullable=False),
    )
