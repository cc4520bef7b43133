"""The tables of the ledger."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Enum,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)

from services.chassis.database import Utc
from services.chassis.events import outbox_table
from services.tasks.model import Lane, State
from services.tasks.model.callbacks import CallbackState

metadata = MetaData()
outbox = outbox_table(metadata)

# Written out in queries instead of bound: both engines use a partial index only for a condition
# that they can read when they plan.
QUEUED = "state = 'queued'"
# Every kind has a name. Said only where an index by kind is to be used: an account's line, which is
# read in its order up to a limit, would else be read whole by that index and sorted.
FITTING = "state = 'queued' AND kind <> ''"
EXECUTING = "state = 'executing'"
SPLIT = "state = 'split'"
OPEN_PART = "owner = 'ledger' AND completed_at IS NULL"
WAITING = "queued > 0"
COMPLETED = "completed_at IS NOT NULL"
OWED = "state = 'waiting'"
CLAIMED = "claimed"
OVER = "ended_at IS NOT NULL"

items = Table(
    "items",
    metadata,
    # Age: lower is older.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("item_id", String(26), nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("spec", LargeBinary, nullable=False),
    Column("destination", LargeBinary, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("lane", Enum(Lane, native_enum=False, values_callable=list), nullable=False),
    Column("state", Enum(State, native_enum=False, values_callable=list), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("percent", Float, nullable=False),
    Column("eta_seconds", Float),
    Column("queued_at", Utc, nullable=False),
    Column("run_at", Utc, nullable=False),
    Column("started_at", Utc),
    Column("completed_at", Utc),
    Column("lease_until", Utc),
    Column("worker_id", Text),
    Column("stream_id", Text),
    Column("reported_attempt", Integer, nullable=False),
    Column("result", LargeBinary, nullable=False),
    Column("error_message", Text, nullable=False),
    Column("taken_at", Utc),
    Column("deadline_at", Utc),
    Column("last_failure", Text, nullable=False, server_default=""),
    Column("checkpoint_bytes", Integer, nullable=False, server_default="0"),
    Column("requeued", Integer, nullable=False, server_default="0"),
    Column("earlier_attempts", Integer, nullable=False, server_default="0"),
    Column("split_percent", Float),
    Column("calls_back", Boolean, nullable=False, server_default=false()),
    Index("items_by_request", "owner", "request_id", "account_id", unique=True),
    Index(
        "items_queued",
        "account_id",
        "priority",
        "position",
        sqlite_where=text(QUEUED),
        postgresql_where=text(QUEUED),
    ),
    # Whether an account has anything for certain workers, whatever else waits before it.
    Index(
        "items_fitting",
        "account_id",
        "kind",
        "lane",
        "run_at",
        sqlite_where=text(FITTING),
        postgresql_where=text(FITTING),
    ),
    Index(
        "items_executing",
        "lease_until",
        sqlite_where=text(EXECUTING),
        postgresql_where=text(EXECUTING),
    ),
    Index(
        "items_split",
        "deadline_at",
        sqlite_where=text(SPLIT),
        postgresql_where=text(SPLIT),
    ),
    Index(
        "items_open_parts",
        "item_id",
        sqlite_where=text(OPEN_PART),
        postgresql_where=text(OPEN_PART),
    ),
    # For lists: an account's items, and those that ended in some way.
    Index("items_by_account", "account_id", "position"),
    Index(
        "items_ended",
        "state",
        "position",
        sqlite_where=text(COMPLETED),
        postgresql_where=text(COMPLETED),
    ),
    Index(
        "items_completed",
        "completed_at",
        sqlite_where=text(COMPLETED),
        postgresql_where=text(COMPLETED),
    ),
)

# What attempts saved to be gone on with, apart from `items`, whose rows are read all the time.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("item_id", String(26), ForeignKey(items.c.item_id), primary_key=True),
    Column("state", LargeBinary, nullable=False),
)

# The items that are parts of others, apart from `items`, most of which are not.
parts = Table(
    "parts",
    metadata,
    Column("item_id", String(26), ForeignKey(items.c.item_id), primary_key=True),
    Column("whole_id", String(26), ForeignKey(items.c.item_id), nullable=False),
    # Their order.
    Column("number", Integer, nullable=False),
    # How much of the work it is, of that of the largest part.
    Column("share", Float, nullable=False),
    Index("parts_by_whole", "whole_id", "number", unique=True),
)

# How much of each account waits and runs, kept in step with `items` by `save` and `submit`.
accounts = Table(
    "accounts",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("queued", Integer, nullable=False),
    # Those of them that are in the long lane.
    Column("queued_long", Integer, nullable=False, server_default="0"),
    Column("running", Integer, nullable=False),
    Column("served_at", Utc, nullable=False),
    # Those that are tasks, waiting or running in whatever way.
    Column("tasks_in_flight", Integer, nullable=False, server_default="0"),
    # When all of the tasks that may be created in a minute are back; null while they are.
    Column("tasks_back_at", Utc),
    Index(
        "accounts_waiting",
        "running",
        "served_at",
        sqlite_where=text(WAITING),
        postgresql_where=text(WAITING),
    ),
)

tasks = Table(
    "tasks",
    metadata,
    Column("key", String(26), ForeignKey(items.c.item_id), primary_key=True),
    Column("definition", JSON, nullable=False),
    Column("problems", JSON(none_as_null=True)),
    Column("url_callback", Text),
    Column("url_errback", Text),
    # Of the Tasks API, by which it was created.
    Column("version", Integer, nullable=False, server_default="2"),
)

# The calls to clients whose tasks ended, apart from the tasks: these may be forgotten before.
callbacks = Table(
    "callbacks",
    metadata,
    # The order of those of one task.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("callback_id", String(26), nullable=False, unique=True),
    Column("key", String(26), nullable=False),
    Column("account_id", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("give_up_at", Utc, nullable=False),
    Column("state", Enum(CallbackState, native_enum=False, values_callable=list), nullable=False),
    Column("claimed", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("ended_at", Utc),
    Column("last_failure", Text, nullable=False),
    Index(
        "callbacks_by_line",
        "line",
        "due_at",
        "position",
        sqlite_where=text(OWED),
        postgresql_where=text(OWED),
    ),
    Index("callbacks_due", "due_at", sqlite_where=text(OWED), postgresql_where=text(OWED)),
    Index("callbacks_of_task", "key", "position"),
    Index("callbacks_claimed", "line", sqlite_where=text(CLAIMED), postgresql_where=text(CLAIMED)),
    Index("callbacks_over", "ended_at", sqlite_where=text(OVER), postgresql_where=text(OVER)),
)

# The keys of tasks that are not kept any more, for a while.
expired_keys = Table(
    "expired_keys",
    metadata,
    Column("key", String(26), primary_key=True),
    Column("ended_before", Utc, nullable=False, index=True),
)

# The names that clients gave to requests, and the tasks that these made.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    # Of the request, SHA-256 in hexadecimal.
    Column("fingerprint", String(64), nullable=False),
    Column("keys", JSON, nullable=False),
    Column("created_at", Utc, nullable=False, index=True),
)

# The workers that are connected to any replica.
workers = Table(
    "workers",
    metadata,
    Column("worker_id", Text, primary_key=True),
    Column("stream_id", String(26), nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("draining", Boolean, nullable=False),
    Column("seen_at", Utc, nullable=False),
)
