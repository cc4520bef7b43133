"""Tasks API keys: made, listed, revoked, rotated."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace

from services.accounts.actions.administration import known_team
from services.accounts.actions.announcing import Announcer
from services.accounts.actions.own_account import known
from services.accounts.model import (
    AccountKeys,
    AmbiguousKeys,
    NotInTeam,
    UnknownKeys,
    hosts_listing,
    lists_origin,
    normal_email,
)
from services.accounts.secrets import hash_of, new_api_key, new_secret
from services.accounts.store import keys as store
from services.accounts.store import people
from services.chassis.database import Database, Tx, now
from vitascope.accounts.v1 import events_pb2 as events

PREFIX_LENGTH = 4


@dataclass(frozen=True)
class NewKeys:
    """A secret and an API key in clear text, which are not kept so."""

    id: str
    secret: str
    api_key: str


class TasksKeys:
    """The use cases of Tasks API keys."""

    def __init__(self, db: Database, announcer: Announcer) -> None:
        self._db = db
        self._announcer = announcer

    async def add(self, email: str, team: str, referrers: Iterable[str]) -> NewKeys:
        """Return new keys of the user's team, by name or id; of the first one when it is empty.

        Raises UnknownUser, UnknownTeam and NotInTeam.
        """
        made = _new(str(uuid.uuid4()))
        async with self._db.transaction() as tx:
            user = known(await people.user_by_email(tx, normal_email(email)))
            teams = await people.teams_of(tx, user.id)
            owner = await known_team(tx, team) if team else teams[0]
            if owner not in teams:
                raise NotInTeam("The user does not belong to this team.")
            keys = AccountKeys(
                id=made.id,
                team_id=owner.id,
                user_id=user.id,
                secret_hash=hash_of(made.secret),
                api_key_hash=hash_of(made.api_key),
                prefix=made.api_key[:PREFIX_LENGTH],
                referrers=tuple(referrers),
                created_at=now(),
            )
            await store.add(tx, keys)
            await self._announce(tx, keys, added=events.KeysAdded(keys_id=keys.id))
        return made

    async def of_team(self, team: str) -> list[tuple[AccountKeys, str]]:
        """Return a team's keys, each with its user's address. Raises UnknownTeam."""
        async with self._db.reading() as tx:
            return await store.of_team(tx, (await known_team(tx, team)).id)

    async def revoke(self, given: str) -> str:
        """End keys, by id or prefix, and return their id. Raises UnknownKeys and AmbiguousKeys."""
        async with self._db.transaction() as tx:
            keys = await _found(tx, given)
            await store.remove(tx, keys.id)
            await self._announce(tx, keys, revoked=events.KeysRevoked(keys_id=keys.id))
        return keys.id

    async def rotate(self, given: str) -> NewKeys:
        """Replace secret and API key, by id or prefix. Raises UnknownKeys and AmbiguousKeys."""
        async with self._db.transaction() as tx:
            keys = await _found(tx, given)
            made = _new(keys.id)
            fresh = replace(
                keys,
                secret_hash=hash_of(made.secret),
                api_key_hash=hash_of(made.api_key),
                prefix=made.api_key[:PREFIX_LENGTH],
            )
            await store.replace(tx, fresh)
            await self._announce(tx, keys, revoked=events.KeysRevoked(keys_id=keys.id))
            await self._announce(tx, keys, added=events.KeysAdded(keys_id=keys.id))
        return made

    async def is_origin_listed(self, origin: str) -> bool:
        """Return whether any account lists pages of the origin."""
        async with self._db.reading() as tx:
            pages = await store.pages_of_hosts(tx, hosts_listing(origin))
        return lists_origin(origin, pages)

    async def _announce(
        self,
        tx: Tx,
        keys: AccountKeys,
        added: events.KeysAdded | None = None,
        revoked: events.KeysRevoked | None = None,
    ) -> None:
        event = events.AccountEvent(
            user_id=keys.user_id, team_id=keys.team_id, keys_added=added, keys_revoked=revoked
        )
        await self._announcer.announce(tx, event)


def _new(keys_id: str) -> NewKeys:
    return NewKeys(keys_id, new_secret(), new_api_key())


async def _found(tx: Tx, given: str) -> AccountKeys:
    found = await store.by_id_or_prefix(tx, given)
    if not found:
        raise UnknownKeys("There are no such keys.")
    if len(found) > 1:
        raise AmbiguousKeys(f"Several API keys begin with {given}; give the id of one.")
    return found[0]
