"""How often an operator had a video's work tried again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Count for every video; so far nobody could."""
    with op.batch_alter_table("videos") as videos:
        videos.add_column(
            sa.Column("work_requeued", sa.Integer, nullable=False, server_default="0")
        )
