"""Whose credentials are whose, answered from the service's own database."""

from dataclasses import replace

from services.accounts.actions.lockout import Lockout
from services.accounts.model import AccountKeys, is_listed
from services.accounts.secrets import Passwords, hash_of
from services.accounts.store import keys, people
from services.chassis.database import Database, Tx
from services.chassis.keyring import AccountKey, PasswordUser
from services.chassis.limits import Limits
from services.chassis.tokens import SigningKey


class LocalKeyring:
    """Implements the chassis's Keyring and Passwords; `defaults` are for teams without limits."""

    def __init__(self, db: Database, passwords: Passwords, defaults: Limits) -> None:
        self._db = db
        self._passwords = passwords
        self._defaults = defaults
        self._lockout = Lockout(db)

    async def signing_key(self, key_id: str) -> SigningKey | None:
        """Return the key with this id, or None when it is not in use."""
        async with self._db.reading() as tx:
            user = await people.user_by_key_id(tx, key_id)
            if user is None:
                return None
            teams = tuple(team.id for team in await people.teams_of(tx, user.id))
            limits = await people.limits_of(tx, teams)
        return SigningKey(
            public_key=user.public_key,
            user_id=user.id,
            team_ids=teams,
            banned=user.banned,
            banned_reason=user.banned_reason or "",
            limits={team: replace(self._defaults, **limits.get(team, {})) for team in teams},
        )

    async def account_of_secret(self, secret: str) -> AccountKey | None:
        """Return the secret's account, or None for an unknown secret."""
        async with self._db.reading() as tx:
            return await self._account(tx, await keys.by_secret(tx, hash_of(secret)))

    async def account_of_api_key(self, api_key: str, referrer: str) -> AccountKey | None:
        """Return the API key's account, or None for an unknown key or an unlisted referrer."""
        async with self._db.reading() as tx:
            found = await keys.by_api_key(tx, hash_of(api_key))
            if found is None or not is_listed(referrer, found.referrers):
                return None
            return await self._account(tx, found)

    async def user_of_password(
        self, email: str, password: str, address: str
    ) -> PasswordUser | None:
        """Return the user, or None; a wrong password and an unknown user take the same time.

        Raises LockedOut.
        """
        email = email.strip().casefold()
        async with self._lockout.turn(email):
            await self._lockout.check(email, address)
            async with self._db.reading() as tx:
                user = await people.user_by_email(tx, email)
            right = await self._passwords.check(password, user.password_hash if user else None)
            if user is None or not right:
                await self._lockout.failed(email, address)
                return None
            await self._lockout.succeeded(email)
        return PasswordUser(user.id, user.banned, user.banned_reason or "")

    async def _account(self, tx: Tx, found: AccountKeys | None) -> AccountKey | None:
        if found is None or (user := await people.user_by_id(tx, found.user_id)) is None:
            return None
        if user.banned:
            return None
        limits = (await people.limits_of(tx, [found.team_id])).get(found.team_id, {})
        return AccountKey(found.team_id, found.user_id, replace(self._defaults, **limits))
