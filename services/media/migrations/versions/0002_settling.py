"""When the ledger is asked whether visible outputs may stay."""

import sqlalchemy as sa
from alembic import op

from services.chassis.database import Utc

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the moment; what is visible already stays."""
    with op.batch_alter_table("commits") as commits:
        commits.add_column(sa.Column("ask_at", Utc))
    op.create_index("ix_commits_ask_at", "commits", ["ask_at"])
