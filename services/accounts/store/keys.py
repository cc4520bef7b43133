"""Tasks API keys."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from services.accounts.model import AccountKeys, listed_host
from services.accounts.store.tables import account_keys, listed_pages, users
from services.chassis.database import Tx

_COLUMNS = tuple(column.name for column in account_keys.c)


async def add(tx: Tx, keys: AccountKeys) -> None:
    """Insert a team's secret and API key."""
    await tx.execute(account_keys.insert().values(asdict(keys)))
    if pages := [
        {"keys_id": keys.id, "pattern": pattern, "host": listed_host(pattern)}
        for pattern in dict.fromkeys(keys.referrers)
    ]:
        await tx.execute(listed_pages.insert(), pages)


async def by_secret(tx: Tx, secret_hash: str) -> AccountKeys | None:
    """Return the keys with this secret."""
    return _first(await _found(tx, account_keys.c.secret_hash == secret_hash))


async def by_api_key(tx: Tx, api_key_hash: str) -> AccountKeys | None:
    """Return the keys with this API key."""
    return _first(await _found(tx, account_keys.c.api_key_hash == api_key_hash))


async def by_id_or_prefix(tx: Tx, given: str) -> list[AccountKeys]:
    """Return the keys with this id, or all whose API keys begin with it."""
    named = account_keys.c.id == given
    return await _found(tx, sa.or_(named, account_keys.c.prefix == given))


async def of_team(tx: Tx, team_id: str) -> list[tuple[AccountKeys, str]]:
    """Return a team's keys with the address of the user of each, oldest first."""
    query = (
        sa.select(account_keys, users.c.email)
        .join(users, account_keys.c.user_id == users.c.id)
        .where(account_keys.c.team_id == team_id)
        .order_by(account_keys.c.created_at, account_keys.c.id)
    )
    return [(_keys(row), row.email) for row in await tx.execute(query)]


async def replace(tx: Tx, keys: AccountKeys) -> None:
    """Write the hashes and the prefix of keys that are there."""
    change = account_keys.update().where(account_keys.c.id == keys.id)
    hashes = {"secret_hash": keys.secret_hash, "api_key_hash": keys.api_key_hash}
    await tx.execute(change.values(**hashes, prefix=keys.prefix))


async def remove(tx: Tx, keys_id: str) -> None:
    """Delete keys."""
    await tx.execute(account_keys.delete().where(account_keys.c.id == keys_id))


async def pages_of_hosts(tx: Tx, hosts: Sequence[str]) -> list[str]:
    """Return the pages that any account lists of these hosts, as `listed_host` names them."""
    query = sa.select(listed_pages.c.pattern).where(listed_pages.c.host.in_(hosts)).distinct()
    return list(await tx.scalars(query))


async def _found(tx: Tx, where: sa.ColumnElement[bool]) -> list[AccountKeys]:
    return [_keys(row) for row in await tx.execute(account_keys.select().where(where))]


def _keys(row: sa.Row[Any]) -> AccountKeys:
    values = {name: row._mapping[name] for name in _COLUMNS}
    return AccountKeys(**{**values, "referrers": tuple(row.referrers)})


def _first(found: list[AccountKeys]) -> AccountKeys | None:
    return found[0] if found else None
