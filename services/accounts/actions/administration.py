"""What administrators do: users, teams, memberships and limits."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from services.accounts.actions.announcing import Announcer
from services.accounts.actions.own_account import Account, known
from services.accounts.actions.sealing import new_signing_key
from services.accounts.model import (
    EmailTaken,
    NoMember,
    OnlyTeam,
    Team,
    TeamTaken,
    UnknownTeam,
    User,
    check_password,
    normal_email,
)
from services.accounts.secrets import Passwords
from services.accounts.store import people
from services.chassis.database import Database, Tx, now
from services.chassis.limits import Limits
from services.chassis.vault import Vault
from vitascope.accounts.v1 import events_pb2 as events
from vitascope.accounts.v1.limits_pb2 import AccountLimits

PAGE = 500


@dataclass(frozen=True)
class Membership:
    """A user and a team, by their ids."""

    user_id: str
    team_id: str


class Administration:
    """The use cases. E-mail addresses may be given in any letter case."""

    def __init__(
        self,
        db: Database,
        announcer: Announcer,
        vault: Vault,
        passwords: Passwords,
        defaults: Limits,
    ) -> None:
        self._db = db
        self._announcer = announcer
        self._vault = vault
        self._passwords = passwords
        self._defaults = defaults

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
            **new_signing_key(self._vault, user_id),
        )
        async with self._db.transaction() as tx:
            if not await people.add_user(tx, user):
                raise EmailTaken(f"There is a user with the address {email} already.")
            added = events.AccountEvent(user_id=user_id, user_added=events.UserAdded(email=email))
            await self._announcer.announce(tx, added)
            joined = await self._team_to_join(tx, team) if team else await self._new_team(tx, email)
            await self._join(tx, user_id, joined.id)
        return Account(user, joined, ())

    async def users(self, after: str) -> list[tuple[User, list[str]]]:
        """Return a page of users behind an address, each with the names of their teams."""
        async with self._db.reading() as tx:
            users = await people.users_after(tx, after, PAGE)
            names = await people.team_names(tx, [user.id for user in users])
        return [(user, names.get(user.id, [])) for user in users]

    async def ban(self, email: str, reason: str) -> str:
        """Shut a user out and return the user's id. Raises UnknownUser."""
        banned = events.AccountEvent(user_banned=events.UserBanned(reason=reason))
        values = {"banned": True, "banned_reason": reason or None, "banned_at": now()}
        return await self._change(email, values, banned)

    async def unban(self, email: str) -> str:
        """Let a user in again and return the user's id. Raises UnknownUser."""
        unbanned = events.AccountEvent(user_unbanned=events.UserUnbanned())
        values = {"banned": False, "banned_reason": None, "banned_at": None}
        return await self._change(email, values, unbanned)

    async def add_team(self, name: str) -> Team:
        """Make a team. Raises TeamTaken."""
        async with self._db.transaction() as tx:
            return await self._new_team(tx, name)

    async def teams(self, after: str) -> list[tuple[Team, list[str]]]:
        """Return a page of teams behind a name, each with the addresses of its members."""
        async with self._db.reading() as tx:
            teams = await people.teams_after(tx, after, PAGE)
            emails = await people.member_emails(tx, [team.id for team in teams])
        return [(team, emails.get(team.id, [])) for team in teams]

    async def join(self, email: str, team: str) -> Membership:
        """Make a user a member of a team, by name or id. Raises UnknownUser and UnknownTeam."""
        async with self._db.transaction() as tx:
            user, joined = await self._user(tx, email), await known_team(tx, team)
            await self._join(tx, user.id, joined.id)
        return Membership(user.id, joined.id)

    async def leave(self, email: str, team: str) -> Membership:
        """End a membership. Raises UnknownUser, UnknownTeam, NoMember and OnlyTeam."""
        async with self._db.transaction() as tx:
            user, left = await self._user(tx, email), await known_team(tx, team)
            if not await people.leave(tx, user.id, left.id):
                raise NoMember("The user is no member of the team.")
            if not await people.teams_of(tx, user.id):
                raise OnlyTeam("The user has no other team; join one before.")
            removed = events.AccountEvent(user_id=user.id, team_id=left.id)
            removed.member_removed.SetInParent()
            await self._announcer.announce(tx, removed)
        return Membership(user.id, left.id)

    async def limits(self, team: str) -> Limits:
        """Return the limits that hold for a team, by name or id. Raises UnknownTeam."""
        async with self._db.reading() as tx:
            return await self._limits(tx, await known_team(tx, team))

    async def set_limits(self, team: str, values: Mapping[str, int | None]) -> Limits:
        """Set limits of a team by their names, None for the default; the others stay.

        Raises UnknownTeam.
        """
        async with self._db.transaction() as tx:
            found = await known_team(tx, team)
            await people.set_limits(tx, found.id, values)
            limits = await self._limits(tx, found)
            changed = events.LimitsChanged(limits=AccountLimits(**asdict(limits)))
            event = events.AccountEvent(team_id=found.id, limits_changed=changed)
            await self._announcer.announce(tx, event)
        return limits

    async def _limits(self, tx: Tx, team: Team) -> Limits:
        return replace(self._defaults, **(await people.limits_of(tx, [team.id])).get(team.id, {}))

    async def _change(
        self, email: str, values: Mapping[str, Any], event: events.AccountEvent
    ) -> str:
        async with self._db.transaction() as tx:
            user = await self._user(tx, email)
            await people.change_user(tx, user.id, **values)
            event.user_id = user.id
            await self._announcer.announce(tx, event)
        return user.id

    async def _user(self, tx: Tx, email: str) -> User:
        return known(await people.user_by_email(tx, normal_email(email)))

    async def _join(self, tx: Tx, user_id: str, team_id: str) -> None:
        if await people.join(tx, user_id, team_id):
            joined = events.AccountEvent(user_id=user_id, team_id=team_id)
            joined.member_added.SetInParent()
            await self._announcer.announce(tx, joined)

    async def _team_to_join(self, tx: Tx, name: str) -> Team:
        return await people.team_by_name(tx, name) or await self._new_team(tx, name)

    async def _new_team(self, tx: Tx, name: str) -> Team:
        moment = now()
        team = Team(id=str(uuid.uuid4()), name=name, created_at=moment, updated_at=moment)
        if not await people.add_team(tx, team):
            raise TeamTaken(f"There is a team with the name {name} already; name the team to join.")
        added = events.AccountEvent(team_id=team.id, team_added=events.TeamAdded(name=name))
        await self._announcer.announce(tx, added)
        return team


async def known_team(tx: Tx, given: str) -> Team:
    """Return the team with this name or id. Raises UnknownTeam."""
    team = await people.team_by_name_or_id(tx, given)
    if team is None:
        raise UnknownTeam(f"There is no team {given}.")
    return team
