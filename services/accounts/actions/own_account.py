"""What users do with their own account, as the Video API documents it."""

import time
from dataclasses import dataclass
from typing import Any

from services.accounts.actions.announcing import Announcer
from services.accounts.actions.sealing import (
    new_signature_secret,
    new_signing_key,
    private_key,
    readable,
)
from services.accounts.model import NotInTeam, Team, UnknownUser, User, check_password
from services.accounts.secrets import Passwords
from services.accounts.store import people
from services.chassis.database import Database
from services.chassis.tokens import UserClaims, sign_user_token
from services.chassis.vault import Vault
from vitascope.accounts.v1 import events_pb2 as events


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


class OwnAccount:
    """The use cases. Users that they return carry their signature secret in clear text."""

    def __init__(
        self, db: Database, announcer: Announcer, vault: Vault, passwords: Passwords
    ) -> None:
        self._db = db
        self._announcer = announcer
        self._vault = vault
        self._passwords = passwords

    async def create_token(self, user_id: str, team_id: str) -> Token:
        """Return a token of 15 minutes for the team, or for the first team when it is empty.

        Raises NotInTeam for a team that the user does not belong to.
        """
        account = await self.account(user_id, team_id)
        user, team = account.user, account.team
        claims = UserClaims(user.id, team.id)
        token = sign_user_token(private_key(self._vault, user), user.key_id, claims, time.time())
        return Token(user.id, team.id, token)

    async def account(self, user_id: str, team_id: str) -> Account:
        """Return the user with the team, the first one when `team_id` is empty.

        Raises UnknownUser and NotInTeam.
        """
        async with self._db.reading() as tx:
            found, teams = await people.user_and_teams(tx, user_id)
        user = known(found)
        for team in teams:
            if team_id in ("", team.id):
                others = tuple(each for each in teams if each is not team)
                return Account(readable(self._vault, user), team, others)
        raise NotInTeam("The user does not belong to this team.")

    async def rotate_key(self, user_id: str) -> User:
        """Give the user a new key pair, which ends all older tokens."""
        return await self._rekey(user_id)

    async def set_password(self, user_id: str, password: str) -> User:
        """Set the password and a new key pair, which ends all older tokens. Raises Invalid."""
        check_password(password)
        return await self._rekey(user_id, password_hash=await self._passwords.hash(password))

    async def new_signature_secret(self, user_id: str) -> User:
        """Give the user a new shared secret for signed requests."""
        changed = events.AccountEvent(signature_secret_changed=events.SignatureSecretChanged())
        sealed = new_signature_secret(self._vault, user_id)
        return await self._change(user_id, changed, signature_secret=sealed)

    async def _rekey(self, user_id: str, **values: Any) -> User:
        key = new_signing_key(self._vault, user_id)
        changed = events.SigningKeyChanged(key_id=key["key_id"])
        event = events.AccountEvent(signing_key_changed=changed)
        return await self._change(user_id, event, **values, **key)

    async def _change(self, user_id: str, event: events.AccountEvent, **values: Any) -> User:
        event.user_id = user_id
        async with self._db.transaction() as tx:
            user = known(await people.change_user(tx, user_id, **values))
            await self._announcer.announce(tx, event)
        return readable(self._vault, user)


def known(user: User | None) -> User:
    """Return the user that was found. Raises UnknownUser."""
    if user is None:
        raise UnknownUser("There is no such user.")
    return user
