"""Whose credentials are whose, answered from the service's own database."""

from services.accounts import store
from services.accounts.model import AccountKeys, is_listed
from services.accounts.secrets import Passwords, hash_of
from services.chassis.database import Database
from services.chassis.keyring import AccountKey, PasswordUser
from services.chassis.tokens import SigningKey


class LocalKeyring:
    """Implements the chassis's Keyring and Passwords."""

    def __init__(self, db: Database, passwords: Passwords) -> None:
        self._db = db
        self._passwords = passwords

    async def signing_key(self, key_id: str) -> SigningKey | None:
        """Return the key with this id, or None when it is not in use."""
        async with self._db.reading() as tx:
            user = await store.user_by_key_id(tx, key_id)
            if user is None:
                return None
            teams = await store.teams_of(tx, user.id)
        return SigningKey(
            public_key=user.public_key,
            user_id=user.id,
            team_ids=tuple(team.id for team in teams),
            banned=user.banned,
            banned_reason=user.banned_reason or "",
        )

    async def account_of_secret(self, secret: str) -> AccountKey | None:
        """Return the secret's account, or None for an unknown secret."""
        async with self._db.reading() as tx:
            return _account(await store.keys_by_secret(tx, hash_of(secret)))

    async def account_of_api_key(self, api_key: str, referrer: str) -> AccountKey | None:
        """Return the API key's account, or None for an unknown key or an unlisted referrer."""
        async with self._db.reading() as tx:
            keys = await store.keys_by_api_key(tx, hash_of(api_key))
        return _account(keys) if keys and is_listed(referrer, keys.referrers) else None

    async def user_of_password(self, email: str, password: str) -> PasswordUser | None:
        """Return the user, or None; a wrong password and an unknown user take the same time."""
        async with self._db.reading() as tx:
            user = await store.user_by_email(tx, email.strip().casefold())
        right = await self._passwords.check(password, user.password_hash if user else None)
        if user is None or not right:
            return None
        return PasswordUser(user.id, user.banned, user.banned_reason or "")


def _account(keys: AccountKeys | None) -> AccountKey | None:
    return AccountKey(account_id=keys.team_id, user_id=keys.user_id) if keys else None
