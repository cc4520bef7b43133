"""What ingestion made, and targets that say which scaler instead of whether one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """So far ingestion made nothing but findings, and the only scaler was `scale`."""
    with op.batch_alter_table("videos") as videos:
        for name in ("thumbnails", "web_video"):
            column = sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())
            videos.add_column(column)
    table = sa.table("videos", sa.column("id", sa.String), sa.column("target", sa.JSON))
    connection = op.get_bind()
    for row in connection.execute(sa.select(table)).all():
        if row.target is not None and "scales" in row.target:
            target = dict(row.target)
            target["scaler"] = "scale" if target.pop("scales") else ""
            change = table.update().where(table.c.id == row.id).values(target=target)
            connection.execute(change)
