"""Limits of teams, prefixes of API keys, failed sign-ins, used signatures, and events."""

import sqlalchemy as sa
from alembic import op

from services.chassis.database import Utc
from services.chassis.events import outbox_table

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables; API keys from before have no prefix, for only their hashes were kept."""
    op.add_column(
        "account_keys", sa.Column("prefix", sa.String(4), nullable=False, server_default="")
    )
    op.create_index("ix_account_keys_prefix", "account_keys", ["prefix"])
    op.create_index("ix_account_keys_team_id", "account_keys", ["team_id"])
    op.create_table(
        "team_limits",
        sa.Column("team_id", sa.String(36), sa.ForeignKey("teams.id"), primary_key=True),
        sa.Column("tasks_in_flight", sa.BigInteger),
        sa.Column("tasks_per_minute", sa.BigInteger),
        sa.Column("stored_bytes", sa.BigInteger),
        sa.Column("requests_per_minute", sa.BigInteger),
    )
    op.create_table(
        "failed_sign_ins",
        sa.Column("subject", sa.String(64), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", Utc, nullable=False, index=True),
    )
    op.create_table(
        "used_signatures",
        sa.Column("signature", sa.String(64), primary_key=True),
        sa.Column("used_at", Utc, nullable=False, index=True),
    )
    outbox_table(sa.MetaData()).create(op.get_bind())
