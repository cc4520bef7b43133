"""All SQL of the accounts service."""

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from services.accounts.model import AccountKeys, Team, User
from services.chassis.database import Tx, Utc, insert, now

metadata = sa.MetaData()

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

account_keys = sa.Table(
    "account_keys",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("team_id", _ID, sa.ForeignKey("teams.id"), nullable=False),
    sa.Column("user_id", _ID, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("secret_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("api_key_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("referrers", sa.JSON, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
)


async def add_user(tx: Tx, user: User) -> bool:
    """Insert a user. Returns False when the address is taken."""
    return await _add(tx, users, asdict(user))


async def user_by_id(tx: Tx, user_id: str) -> User | None:
    """Return the user with this id."""
    return await _user(tx, users.c.id == user_id)


async def user_by_email(tx: Tx, email: str) -> User | None:
    """Return the user with this normal address."""
    return await _user(tx, users.c.email == email)


async def user_by_key_id(tx: Tx, key_id: str) -> User | None:
    """Return the user whose tokens are signed with this key."""
    return await _user(tx, users.c.key_id == key_id)


async def change_user(tx: Tx, user_id: str, **values: Any) -> User | None:
    """Set columns of a user. Returns the user as it is now, or None for an unknown one."""
    change = users.update().where(users.c.id == user_id).values(updated_at=now(), **values)
    row = (await tx.execute(change.returning(*users.c))).first()
    return User(**row._mapping) if row else None


async def add_team(tx: Tx, team: Team) -> bool:
    """Insert a team. Returns False when the name is taken."""
    return await _add(tx, teams, asdict(team))


async def team_by_name(tx: Tx, name: str) -> Team | None:
    """Return the team with this name."""
    row = (await tx.execute(teams.select().where(teams.c.name == name))).first()
    return Team(**row._mapping) if row else None


async def join(tx: Tx, user_id: str, team_id: str) -> None:
    """Make the user a member of the team."""
    row = {"user_id": user_id, "team_id": team_id, "created_at": now()}
    await _add(tx, memberships, row)


async def teams_of(tx: Tx, user_id: str) -> list[Team]:
    """Return the user's teams, the one joined first first."""
    query = (
        teams.select()
        .join(memberships, memberships.c.team_id == teams.c.id)
        .where(memberships.c.user_id == user_id)
        .order_by(memberships.c.created_at, teams.c.id)
    )
    return [Team(**row._mapping) for row in await tx.execute(query)]


async def add_account_keys(tx: Tx, keys: AccountKeys) -> None:
    """Insert a team's secret and API key."""
    await tx.execute(account_keys.insert().values(asdict(keys)))


async def keys_by_secret(tx: Tx, secret_hash: str) -> AccountKeys | None:
    """Return the keys with this secret."""
    return await _account_keys(tx, account_keys.c.secret_hash == secret_hash)


async def keys_by_api_key(tx: Tx, api_key_hash: str) -> AccountKeys | None:
    """Return the keys with this API key."""
    return await _account_keys(tx, account_keys.c.api_key_hash == api_key_hash)


async def _add(tx: Tx, table: sa.Table, row: dict[str, Any]) -> bool:
    result = await tx.execute(insert(tx, table).values(row).on_conflict_do_nothing())
    return bool(result.rowcount)


async def _user(tx: Tx, where: sa.ColumnElement[bool]) -> User | None:
    row = (await tx.execute(users.select().where(where))).first()
    return User(**row._mapping) if row else None


async def _account_keys(tx: Tx, where: sa.ColumnElement[bool]) -> AccountKeys | None:
    row = (await tx.execute(account_keys.select().where(where))).first()
    if row is None:
        return None
    return AccountKeys(**{**row._mapping, "referrers": tuple(row.referrers)})
