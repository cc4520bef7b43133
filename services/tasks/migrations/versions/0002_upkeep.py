"""Deadlines, checkpoints, another try by hand, retention, Idempotency-Key, connected workers."""

import sqlalchemy as sa
from alembic import op

from services.chassis.database import Utc

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what the ledger keeps beside its first columns."""
    with op.batch_alter_table("items") as items:
        items.add_column(sa.Column("taken_at", Utc))
        items.add_column(sa.Column("deadline_at", Utc))
        items.add_column(sa.Column("last_failure", sa.Text, nullable=False, server_default=""))
        for name in ("checkpoint_bytes", "requeued", "earlier_attempts"):
            items.add_column(sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    with op.batch_alter_table("accounts") as accounts:
        accounts.add_column(
            sa.Column("queued_long", sa.Integer, nullable=False, server_default="0")
        )
    op.execute(
        "UPDATE accounts SET queued_long = (SELECT count(*) FROM items WHERE state = 'queued'"
        " AND lane = 'long' AND items.account_id = accounts.account_id)"
    )
    fitting = sa.text("state = 'queued' AND kind <> ''")
    op.create_index(
        "items_fitting",
        "items",
        ["account_id", "kind", "lane", "run_at"],
        sqlite_where=fitting,
        postgresql_where=fitting,
    )
    ended = sa.text("completed_at IS NOT NULL")
    op.create_index(
        "items_completed", "items", ["completed_at"], sqlite_where=ended, postgresql_where=ended
    )
    op.create_table(
        "checkpoints",
        sa.Column("item_id", sa.String(26), sa.ForeignKey("items.item_id"), primary_key=True),
        sa.Column("state", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("keys", sa.JSON, nullable=False),
        sa.Column("created_at", Utc, nullable=False, index=True),
    )
    op.create_table(
        "workers",
        sa.Column("worker_id", sa.Text, primary_key=True),
        sa.Column("stream_id", sa.String(26), nullable=False),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("draining", sa.Boolean, nullable=False),
        sa.Column("seen_at", Utc, nullable=False),
    )
