"""What accounts use of their limits, and the keys of tasks that expired."""

import sqlalchemy as sa
from alembic import op

from services.chassis.database import Utc

revision = "0005"
down_revision = "0004"

_COUNT = """
UPDATE accounts SET tasks_in_flight = (
    SELECT count(*) FROM items
    WHERE items.account_id = accounts.account_id AND owner = 'tasks' AND completed_at IS NULL
)
"""


def upgrade() -> None:
    """Count the tasks of accounts; make room for the keys of tasks that are not kept any more."""
    with op.batch_alter_table("accounts") as accounts:
        accounts.add_column(
            sa.Column("tasks_in_flight", sa.Integer, nullable=False, server_default="0")
        )
        accounts.add_column(sa.Column("tasks_back_at", Utc))
    op.execute(_COUNT)
    op.create_table(
        "expired_keys",
        sa.Column("key", sa.String(26), primary_key=True),
        sa.Column("ended_before", Utc, nullable=False),
    )
    op.create_index("ix_expired_keys_ended_before", "expired_keys", ["ended_before"])
