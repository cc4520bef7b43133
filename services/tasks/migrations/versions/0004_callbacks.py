"""Calls to clients whose tasks ended."""

import sqlalchemy as sa
from alembic import op

from services.chassis.database import Utc

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add what is owed, which items owe something, and the version that a task was created by."""
    with op.batch_alter_table("items") as items:
        # Those from before call nobody.
        items.add_column(
            sa.Column("calls_back", sa.Boolean, nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("tasks") as tasks:
        tasks.add_column(sa.Column("version", sa.Integer, nullable=False, server_default="2"))
    op.create_table(
        "callbacks",
        sa.Column("position", _POSITION, primary_key=True),
        sa.Column("callback_id", sa.String(26), nullable=False, unique=True),
        sa.Column("key", sa.String(26), nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", Utc, nullable=False),
        sa.Column("due_at", Utc, nullable=False),
        sa.Column("give_up_at", Utc, nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("claimed", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("ended_at", Utc),
        sa.Column("last_failure", sa.Text, nullable=False),
    )
    _create_index("callbacks_by_line", ["line", "due_at", "position"], "state = 'waiting'")
    _create_index("callbacks_due", ["due_at"], "state = 'waiting'")
    op.create_index("callbacks_of_task", "callbacks", ["key", "position"])
    _create_index("callbacks_claimed", ["line"], "claimed")
    _create_index("callbacks_over", ["ended_at"], "ended_at IS NOT NULL")


_POSITION = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _create_index(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "callbacks", columns, sqlite_where=where, postgresql_where=where)
