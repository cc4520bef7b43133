"""What each account stores as a number, and how long outputs stay."""

import sqlalchemy as sa
from alembic import op

from services.chassis.database import Utc

revision = "0005"
down_revision = "0004"

_ADD_ACCOUNTS = """
    INSERT INTO accounts (account_id)
    SELECT team_id FROM media WHERE team_id IS NOT NULL
    UNION SELECT account_id FROM outputs
    EXCEPT SELECT account_id FROM accounts
"""
_SUM_UP = """
    UPDATE accounts SET
    media_bytes = (
        SELECT COALESCE(SUM(CASE WHEN stored_at IS NULL THEN reserved ELSE size END), 0)
        FROM media WHERE media.team_id = accounts.account_id
    ),
    output_bytes = (
        SELECT COALESCE(SUM(size), 0) FROM outputs WHERE outputs.account_id = accounts.account_id
    )
"""


def upgrade() -> None:
    """Add the numbers, summed up from what is here, and the ends; what is here stays for ever."""
    with op.batch_alter_table("accounts") as accounts:
        for name, kind in {
            "media_bytes": sa.BigInteger,
            "output_bytes": sa.BigInteger,
            "expiration_days": sa.Integer,
        }.items():
            accounts.add_column(sa.Column(name, kind, nullable=False, server_default="0"))
    op.create_index("ix_accounts_expiration_days", "accounts", ["expiration_days"])
    op.execute(_ADD_ACCOUNTS)
    op.execute(_SUM_UP)
    with op.batch_alter_table("outputs") as outputs:
        outputs.add_column(sa.Column("ends_at", Utc))
    op.create_index("ix_outputs_ends_at", "outputs", ["ends_at"])
    ends = ["account_id", "ends_at", "stored_at"]
    op.create_index("ix_outputs_account_id_ends_at", "outputs", ends)
