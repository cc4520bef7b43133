"""The ledger: items, accounts, tasks, outbox."""

import sqlalchemy as sa
from alembic import op

from services.chassis.database import Utc
from services.chassis.events import outbox_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first schema."""
    _create_items()
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("queued", sa.Integer, nullable=False),
        sa.Column("running", sa.Integer, nullable=False),
        sa.Column("served_at", Utc, nullable=False),
    )
    op.create_table(
        "tasks",
        sa.Column("key", sa.String(26), sa.ForeignKey("items.item_id"), primary_key=True),
        sa.Column("definition", sa.JSON, nullable=False),
        sa.Column("problems", sa.JSON),
        sa.Column("url_callback", sa.Text),
        sa.Column("url_errback", sa.Text),
    )
    op.create_index("items_by_request", "items", ["owner", "request_id", "account_id"], unique=True)
    _create_partial_index(
        "items_queued", "items", ["account_id", "priority", "position"], "state = 'queued'"
    )
    _create_partial_index("items_executing", "items", ["lease_until"], "state = 'executing'")
    _create_partial_index("accounts_waiting", "accounts", ["running", "served_at"], "queued > 0")
    outbox_table(sa.MetaData()).create(op.get_bind())


def _create_items() -> None:
    op.create_table(
        "items",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("item_id", sa.String(26), nullable=False, unique=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("spec", sa.LargeBinary, nullable=False),
        sa.Column("destination", sa.LargeBinary, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("lane", sa.String(5), nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("percent", sa.Float, nullable=False),
        sa.Column("eta_seconds", sa.Float),
        sa.Column("queued_at", Utc, nullable=False),
        sa.Column("run_at", Utc, nullable=False),
        sa.Column("started_at", Utc),
        sa.Column("completed_at", Utc),
        sa.Column("lease_until", Utc),
        sa.Column("worker_id", sa.Text),
        sa.Column("stream_id", sa.Text),
        sa.Column("reported_attempt", sa.Integer, nullable=False),
        sa.Column("result", sa.LargeBinary, nullable=False),
        sa.Column("error_message", sa.Text, nullable=False),
    )


def _create_partial_index(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
