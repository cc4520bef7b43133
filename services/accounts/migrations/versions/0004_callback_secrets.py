"""What the callbacks of an account are signed with."""

import sqlalchemy as sa
from alembic import op

from services.chassis.database import Utc

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the secrets, which are made as they are asked for."""
    op.create_table(
        "callback_secrets",
        sa.Column("team_id", sa.String(36), sa.ForeignKey("teams.id"), primary_key=True),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("made_at", Utc, nullable=False),
    )
