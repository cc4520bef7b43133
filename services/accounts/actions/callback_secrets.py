"""The secrets by which the receivers of an account's callbacks know who calls."""

from services.accounts.actions.administration import known_team
from services.accounts.model import UnknownTeam
from services.accounts.secrets import new_secret
from services.accounts.store import callback_secrets as store
from services.accounts.store import people
from services.chassis.database import Database, now
from services.chassis.vault import Vault


class CallbackSecrets:
    """Keeps one secret a team, which both sides can read."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    async def of_account(self, account_id: str) -> str:
        """Return an account's secret, made if it has none. Raises UnknownTeam."""
        async with self._db.reading() as tx:
            sealed = await store.of_team(tx, account_id)
            if sealed is None and not await people.is_team(tx, account_id):
                raise UnknownTeam(f"There is no account {account_id}.")
        return self._open(sealed, account_id) if sealed else await self._make(account_id)

    async def of_team(self, team: str) -> str:
        """Return a team's secret, by its name or id, made if it has none. Raises UnknownTeam."""
        async with self._db.reading() as tx:
            account_id = (await known_team(tx, team)).id
        return await self.of_account(account_id)

    async def rotate(self, team: str) -> str:
        """Replace a team's secret, by its name or id, and return the new one.

        Raises UnknownTeam.
        """
        secret = new_secret()
        async with self._db.transaction() as tx:
            team_id = (await known_team(tx, team)).id
            await store.replace(tx, team_id, self._seal(secret, team_id), now())
        return secret

    async def _make(self, team_id: str) -> str:
        async with self._db.transaction() as tx:
            await store.add(tx, team_id, self._seal(new_secret(), team_id), now())
            # Somebody may have been first.
            sealed = await store.of_team(tx, team_id)
        assert sealed is not None  # noqa: S101 - it was just stored
        return self._open(sealed, team_id)

    def _seal(self, secret: str, team_id: str) -> str:
        return self._vault.seal(secret, f"{team_id}/callbacks")

    def _open(self, sealed: str, team_id: str) -> str:
        return self._vault.open(sealed, f"{team_id}/callbacks")
