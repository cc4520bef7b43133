"""Pages of an account's items and of ended ones, however much waits."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add what lists are read from."""
    op.create_index("items_by_account", "items", ["account_id", "position"])
    ended = sa.text("completed_at IS NOT NULL")
    op.create_index(
        "items_ended", "items", ["state", "position"], sqlite_where=ended, postgresql_where=ended
    )
