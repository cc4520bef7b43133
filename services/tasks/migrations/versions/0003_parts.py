"""Items that are done in parts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add what the ledger keeps about parts and what they are parts of."""
    with op.batch_alter_table("items") as items:
        items.add_column(sa.Column("split_percent", sa.Float))
    op.create_table(
        "parts",
        sa.Column("item_id", sa.String(26), sa.ForeignKey("items.item_id"), primary_key=True),
        sa.Column("whole_id", sa.String(26), sa.ForeignKey("items.item_id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("share", sa.Float, nullable=False),
    )
    op.create_index("parts_by_whole", "parts", ["whole_id", "number"], unique=True)
    _create_partial_index("items_split", "deadline_at", "state = 'split'")
    _create_partial_index(
        "items_open_parts", "item_id", "owner = 'ledger' AND completed_at IS NULL"
    )


def _create_partial_index(name: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "items", [column], sqlite_where=where, postgresql_where=where)
