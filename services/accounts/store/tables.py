"""The tables of the accounts service."""

import sqlalchemy as sa

from services.chassis.database import Utc
from services.chassis.events import outbox_table

metadata = sa.MetaData()
outbox = outbox_table(metadata)

_ID = sa.String(36)

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.String(254), nullable=False, unique=True),
    sa.Column("email_confirmed", sa.Boolean, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("key_id", _ID, nullable=False, unique=True),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("private_key", sa.Text, nullable=False),
    sa.Column("signature_secret", sa.Text),
    sa.Column("banned", sa.Boolean, nullable=False),
    sa.Column("banned_reason", sa.Text),
    sa.Column("banned_at", Utc),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
)

teams = sa.Table(
    "teams",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("name", sa.String(255), nullable=False, unique=True),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("user_id", _ID, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("team_id", _ID, sa.ForeignKey("teams.id"), primary_key=True),
    sa.Column("created_at", Utc, nullable=False),
)

# A column that is null takes the limit from the settings.
team_limits = sa.Table(
    "team_limits",
    metadata,
    sa.Column("team_id", _ID, sa.ForeignKey("teams.id"), primary_key=True),
    sa.Column("tasks_in_flight", sa.BigInteger),
    sa.Column("tasks_per_minute", sa.BigInteger),
    sa.Column("stored_bytes", sa.BigInteger),
    sa.Column("requests_per_minute", sa.BigInteger),
)

account_keys = sa.Table(
    "account_keys",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("team_id", _ID, sa.ForeignKey("teams.id"), nullable=False, index=True),
    sa.Column("user_id", _ID, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("secret_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("api_key_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("prefix", sa.String(4), nullable=False, server_default="", index=True),
    sa.Column("referrers", sa.JSON, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
)

# Encrypted; by them the receivers of callbacks know who calls.
callback_secrets = sa.Table(
    "callback_secrets",
    metadata,
    sa.Column("team_id", _ID, sa.ForeignKey("teams.id"), primary_key=True),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("made_at", Utc, nullable=False),
)

# The pages of `account_keys.referrers` by their hosts, to find who lists an origin.
listed_pages = sa.Table(
    "listed_pages",
    metadata,
    sa.Column(
        "keys_id", _ID, sa.ForeignKey("account_keys.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("pattern", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False, index=True),
)

# Subjects are hashes of e-mail addresses and of network addresses.
failed_sign_ins = sa.Table(
    "failed_sign_ins",
    metadata,
    sa.Column("subject", sa.String(64), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", Utc, nullable=False, index=True),
)

used_signatures = sa.Table(
    "used_signatures",
    metadata,
    sa.Column("signature", sa.String(64), primary_key=True),
    sa.Column("used_at", Utc, nullable=False, index=True),
)
