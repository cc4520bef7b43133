"""Users, teams, memberships, and the limits of teams."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from services.accounts.model import Team, User
from services.accounts.store.tables import memberships, team_limits, teams, users
from services.chassis.database import Tx, insert, now

# Prepared: it is asked for with almost every call of the documented endpoints.
_USER_AND_TEAMS = (
    sa.select(*users.c, *teams.c)
    .select_from(users)
    .outerjoin(memberships, memberships.c.user_id == users.c.id)
    .outerjoin(teams, teams.c.id == memberships.c.team_id)
    .where(users.c.id == sa.bindparam("user_id"))
    .order_by(memberships.c.created_at, teams.c.id)
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


async def users_after(tx: Tx, email: str, limit: int) -> list[User]:
    """Return users in the order of their addresses, from behind this one."""
    query = users.select().where(users.c.email > email).order_by(users.c.email).limit(limit)
    return [User(**row._mapping) for row in await tx.execute(query)]


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


async def team_by_name_or_id(tx: Tx, given: str) -> Team | None:
    """Return the team with this name or id; a name wins."""
    matches = sa.or_(teams.c.name == given, teams.c.id == given)
    query = teams.select().where(matches).order_by((teams.c.name == given).desc()).limit(1)
    row = (await tx.execute(query)).first()
    return Team(**row._mapping) if row else None


async def is_team(tx: Tx, team_id: str) -> bool:
    """Return whether there is a team with this id."""
    return bool(await tx.scalar(sa.select(sa.exists().where(teams.c.id == team_id))))


async def teams_after(tx: Tx, name: str, limit: int) -> list[Team]:
    """Return teams in the order of their names, from behind this one."""
    query = teams.select().where(teams.c.name > name).order_by(teams.c.name).limit(limit)
    return [Team(**row._mapping) for row in await tx.execute(query)]


async def join(tx: Tx, user_id: str, team_id: str) -> bool:
    """Make the user a member of the team. Returns False for one who was a member before."""
    row = {"user_id": user_id, "team_id": team_id, "created_at": now()}
    return await _add(tx, memberships, row)


async def leave(tx: Tx, user_id: str, team_id: str) -> bool:
    """End a membership. Returns False when there was none."""
    where = sa.and_(memberships.c.user_id == user_id, memberships.c.team_id == team_id)
    return bool((await tx.execute(memberships.delete().where(where))).rowcount)


async def user_and_teams(tx: Tx, user_id: str) -> tuple[User | None, list[Team]]:
    """Return the user with this id, and the user's teams, the one joined first first."""
    rows = (await tx.execute(_USER_AND_TEAMS, {"user_id": user_id})).all()
    if not rows:
        return None, []
    user = User(**dict(zip(users.c.keys(), rows[0][: len(users.c)], strict=True)))
    theirs = (row[len(users.c) :] for row in rows)
    return user, [
        Team(**dict(zip(teams.c.keys(), each, strict=True))) for each in theirs if each[0]
    ]


async def teams_of(tx: Tx, user_id: str) -> list[Team]:
    """Return the user's teams, the one joined first first."""
    query = (
        teams.select()
        .join(memberships, memberships.c.team_id == teams.c.id)
        .where(memberships.c.user_id == user_id)
        .order_by(memberships.c.created_at, teams.c.id)
    )
    return [Team(**row._mapping) for row in await tx.execute(query)]


async def team_names(tx: Tx, user_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the names of the teams of each user, the one joined first first."""
    query = (
        sa.select(memberships.c.user_id, teams.c.name)
        .join(teams, memberships.c.team_id == teams.c.id)
        .where(memberships.c.user_id.in_(list(user_ids)))
        .order_by(memberships.c.created_at, teams.c.id)
    )
    return _grouped(await tx.execute(query))


async def member_emails(tx: Tx, team_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the addresses of the members of each team, who joined first first."""
    query = (
        sa.select(memberships.c.team_id, users.c.email)
        .join(users, memberships.c.user_id == users.c.id)
        .where(memberships.c.team_id.in_(list(team_ids)))
        .order_by(memberships.c.created_at, users.c.id)
    )
    return _grouped(await tx.execute(query))


async def set_limits(tx: Tx, team_id: str, values: Mapping[str, int | None]) -> None:
    """Set some limits of a team by their column names, None for the default; the others stay."""
    row = {"team_id": team_id, **values}
    change = insert(tx, team_limits).values(row)
    await tx.execute(
        change.on_conflict_do_update(index_elements=["team_id"], set_=dict(values))
        if values
        else change.on_conflict_do_nothing()
    )


async def limits_of(tx: Tx, team_ids: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return the limits that were set, by team and column name."""
    query = team_limits.select().where(team_limits.c.team_id.in_(list(team_ids)))
    return {
        row.team_id: {
            name: value
            for name, value in row._mapping.items()
            if name != "team_id" and value is not None
        }
        for row in await tx.execute(query)
    }


def _grouped(rows: Iterable[Any]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for key, value in rows:
        groups.setdefault(key, []).append(value)
    return groups


async def _add(tx: Tx, table: sa.Table, row: dict[str, Any]) -> bool:
    result = await tx.execute(insert(tx, table).values(row).on_conflict_do_nothing())
    return bool(result.rowcount)


async def _user(tx: Tx, where: sa.ColumnElement[bool]) -> User | None:
    row = (await tx.execute(users.select().where(where))).first()
    return User(**row._mapping) if row else None
