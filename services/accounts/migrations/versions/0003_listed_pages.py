"""The pages that may use API keys, by their hosts."""

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table and fill it from the lists of the keys."""
    pages = op.create_table(
        "listed_pages",
        sa.Column(
            "keys_id",
            sa.String(36),
            sa.ForeignKey("account_keys.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("pattern", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, nullable=False, index=True),
    )
    keys = sa.table("account_keys", sa.column("id"), sa.column("referrers", sa.JSON))
    rows = [
        {"keys_id": row.id, "pattern": pattern, "host": _host(pattern)}
        for row in op.get_bind().execute(sa.select(keys))
        for pattern in dict.fromkeys(row.referrers)
    ]
    op.bulk_insert(pages, rows)


def _host(pattern: str) -> str:
    if pattern.startswith("*."):
        return pattern.lower()
    try:
        return urlsplit(pattern if "//" in pattern else f"//{pattern}").hostname or ""
    except ValueError:
        return ""
