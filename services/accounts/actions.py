"""What the accounts service does."""

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from services.accounts import store
from services.accounts.model import (
    AccountKeys,
    EmailTaken,
    NotInTeam,
    Team,
    TeamTaken,
    UnknownUser,
    User,
    check_password,
    normal_email,
)
from services.accounts.secrets import (
    Passwords,
    Vault,
    hash_of,
    new_api_key,
    new_key_pair,
    new_secret,
)
from services.chassis.database import Database, Tx, now
from services.chassis.tokens import UserClaims, sign_user_token


@dataclass(frozen=True)
class Token:
    """A signed token and whom it stands for."""

    user_id: str
    team_id: str
    text: str


@dataclass(frozen=True)
class Account:
    """A user, the team acted for, and the user's other teams."""

    user: User
    team: Team
    other_teams: tuple[Team, ...]


class Actions:
    """The use cases. Users that they return carry their signature secret in clear text."""

    def __init__(self, db: Database, vault: Vault, passwords: Passwords) -> None:
        self._db = db
        self._vault = vault
        self._passwords = passwords

    async def create_token(self, user_id: str, team_id: str) -> Token:
        """Return a token of 15 minutes for the team, or for the first team when it is empty.

        Raises NotInTeam for a team that the user does not belong to.
        """
        account = await self.account(user_id, team_id)
        user, team = account.user, account.team
        private_key = self._vault.open(user.private_key, f"{user.id}/{user.key_id}")
        claims = UserClaims(user.id, team.id)
        token = sign_user_token(private_key, user.key_id, claims, time.time())
        return Token(user.id, team.id, token)

    async def account(self, user_id: str, team_id: str) -> Account:
        """Return the user with the team, the first one when `team_id` is empty.

        Raises UnknownUser and NotInTeam.
        """
        async with self._db.reading() as tx:
            user = _known(await store.user_by_id(tx, user_id))
            teams = await store.teams_of(tx, user_id)
        for team in teams:
            if team_id in ("", team.id):
                others = tuple(each for each in teams if each is not team)
                return Account(self._readable(user), team, others)
        raise NotInTeam("The user does not belong to this team.")

    async def rotate_key(self, user_id: str) -> User:
        """Give the user a new key pair, which ends all older tokens."""
        return await self._change(user_id, **self._new_key(user_id))

    async def set_password(self, user_id: str, password: str) -> User:
        """Set the password and a new key pair, which ends all older tokens. Raises Invalid."""
        check_password(password)
        password_hash = await self._passwords.hash(password)
        return await self._change(user_id, password_hash=password_hash, **self._new_key(user_id))

    async def new_signature_secret(self, user_id: str) -> User:
        """Give the user a new shared secret for signed requests."""
        sealed = self._vault.seal(new_secret(), f"{user_id}/signature")
        return await self._change(user_id, signature_secret=sealed)

    async def add_user(self, email: str, password: str, name: str, team: str) -> Account:
        """Add a user to the named team, which is made when it is not there.

        Without a team name the user gets a team of their own, named as the address.
        Raises Invalid, EmailTaken and TeamTaken.
        """
        email = normal_email(email)
        check_password(password)
        user_id, moment = str(uuid.uuid4()), now()
        user = User(
            id=user_id,
            name=name or email,
            email=email,
            # Only operators add users: they vouch for the address.
            email_confirmed=True,
            password_hash=await self._passwords.hash(password),
            created_at=moment,
            updated_at=moment,
            **self._new_key(user_id),
        )
        async with self._db.transaction() as tx:
            if not await store.add_user(tx, user):
                raise EmailTaken(f"There is a user with the address {email} already.")
            joined = await _team_to_join(tx, team) if team else await _own_team(tx, email)
            await store.join(tx, user.id, joined.id)
        return Account(user, joined, ())

    async def add_keys(self, email: str, referrers: Iterable[str]) -> tuple[str, str]:
        """Return a new secret and API key of the user's first team. Raises UnknownUser."""
        secret, api_key = new_secret(), new_api_key()
        async with self._db.transaction() as tx:
            user = _known(await store.user_by_email(tx, normal_email(email)))
            teams = await store.teams_of(tx, user.id)
            keys = AccountKeys(
                id=str(uuid.uuid4()),
                team_id=teams[0].id,
                user_id=user.id,
                secret_hash=hash_of(secret),
                api_key_hash=hash_of(api_key),
                referrers=tuple(referrers),
                created_at=now(),
            )
            await store.add_account_keys(tx, keys)
        return secret, api_key

    def _new_key(self, user_id: str) -> dict[str, Any]:
        pair, key_id = new_key_pair(), str(uuid.uuid4())
        sealed = self._vault.seal(pair.private_key, f"{user_id}/{key_id}")
        return {"key_id": key_id, "public_key": pair.public_key, "private_key": sealed}

    async def _change(self, user_id: str, **values: Any) -> User:
        async with self._db.transaction() as tx:
            return self._readable(_known(await store.change_user(tx, user_id, **values)))

    def _readable(self, user: User) -> User:
        if user.signature_secret is None:
            return user
        secret = self._vault.open(user.signature_secret, f"{user.id}/signature")
        return replace(user, signature_secret=secret)


def _known(user: User | None) -> User:
    if user is None:
        raise UnknownUser("There is no such user.")
    return user


async def _team_to_join(tx: Tx, name: str) -> Team:
    await store.add_team(tx, team := _new_team(name))
    return await store.team_by_name(tx, name) or team


async def _own_team(tx: Tx, name: str) -> Team:
    team = _new_team(name)
    if not await store.add_team(tx, team):
        raise TeamTaken(f"There is a team with the name {name} already; name the team to join.")
    return team


def _new_team(name: str) -> Team:
    moment = now()
    return Team(id=str(uuid.uuid4()), name=name, created_at=moment, updated_at=moment)
