"""The tables."""

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, Text

from services.chassis.database import Utc
from services.chassis.events import inbox_table, outbox_table

metadata = MetaData()

shelves = Table(
    "shelves",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("weight", Integer, nullable=False, server_default="0"),
    Column("built_at", Utc),
)

books = Table(
    "books",
    metadata,
    Column("title", Text, primary_key=True),
    Column("shelf_id", ForeignKey("shelves.id"), nullable=False),
)

outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
