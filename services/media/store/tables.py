"""The tables of the media service."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, String, Table, Text

from services.chassis.database import Utc
from services.chassis.events import inbox_table, outbox_table

metadata = MetaData()
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)

# A row without size, hash and stored_at is an upload that runs. `touched_at` is when it last gave
# a sign of life or, for a stored file, when its video was last known to exist.
media = Table(
    "media",
    metadata,
    Column("video_id", String(36), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("storage_key", String(512), nullable=False, unique=True),
    Column("file_name", String(255), nullable=False),
    Column("content_type", String(255), nullable=False),
    Column("light", Boolean, nullable=False),
    Column("size", BigInteger),
    Column("sha256", String(64)),
    Column("stored_at", Utc),
    Column("touched_at", Utc, nullable=False, index=True),
    Column("item_id", String(255)),
    # Whose storage it counts for; `reserved` bytes are what a running upload may still grow to.
    Column("team_id", String(255), index=True),
    Column("reserved", BigInteger),
)
# Uploads in several requests. Each has a row of `media` too, until it is ended or dropped.
resumables = Table(
    "resumables",
    metadata,
    Column("upload_id", String(32), primary_key=True),
    Column("video_id", String(36), nullable=False, index=True),
    Column("team_id", String(255), nullable=False),
    Column("storage_key", String(512), nullable=False, unique=True),
    Column("file_name", String(255), nullable=False),
    Column("content_type", String(255), nullable=False),
    Column("light", Boolean, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("writer", String(32)),
    Column("metadata", Text, nullable=False),
    Column("expires_at", Utc, nullable=False, index=True),
    Column("done", Boolean, nullable=False),
)
# One row an account whose storage is limited: who reserves some of it locks the row.
accounts = Table("accounts", metadata, Column("account_id", String(255), primary_key=True))
outputs = Table(
    "outputs",
    metadata,
    Column("account_id", String(255), primary_key=True),
    Column("item_id", String(255), primary_key=True, index=True),
    Column("file_name", String(255), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("storage_key", String(512), nullable=False, unique=True),
    Column("content_type", String(255), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("stored_at", Utc, nullable=False),
)
# Which attempt's outputs are visible; `ask_at` is when the ledger is asked whether they may stay.
commits = Table(
    "commits",
    metadata,
    Column("item_id", String(255), primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("ask_at", Utc, index=True),
)
# What parts of split items made; `ask_at` is when the ledger is asked whether the whole has ended.
parts = Table(
    "parts",
    metadata,
    Column("storage_key", String(512), primary_key=True),
    Column("item_id", String(255), nullable=False, index=True),
    Column("whole_id", String(255), nullable=False, index=True),
    Column("ask_at", Utc, nullable=False, index=True),
)
# Objects that nothing needs any more; the purge deletes them from storage.
discarded = Table("discarded", metadata, Column("storage_key", String(512), primary_key=True))
