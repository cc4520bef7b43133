"""The tables of the media service."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text

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
# What an account stores, in bytes: always the sum of its rows of `media` (of a running upload what
# it has reserved) and of `outputs`. Who changes or checks it locks the row. `expiration_days` is
# how long its outputs stay that have no end of their own; 0 is for ever.
accounts = Table(
    "accounts",
    metadata,
    Column("account_id", String(255), primary_key=True),
    Column("media_bytes", BigInteger, nullable=False, server_default="0"),
    Column("output_bytes", BigInteger, nullable=False, server_default="0"),
    Column("expiration_days", Integer, nullable=False, server_default="0", index=True),
)
# `ends_at` is the end of a file with a lifetime of its own; others follow their account's.
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
    Column("ends_at", Utc, index=True),
    Index("ix_outputs_account_id_ends_at", "account_id", "ends_at", "stored_at"),
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
