"""How long the outputs of tasks stay, and ending those whose time is over."""

from services.chassis.database import now
from services.media.actions.backends import Backends
from services.media.store import accounting, holdings

# Files in one transaction, and accounts in one look.
_BATCH = 200


class Lifetimes:
    """Keeps each account's setting and sees to it. Ends are looked up, never written into files:

    a new setting holds at once, for those that are there too.
    """

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    async def days(self, account_id: str) -> int:
        """After how many days an account's outputs end; 0 for never."""
        async with self._backends.database.reading() as tx:
            return await accounting.expiration_days(tx, account_id)

    async def set_days(self, account_id: str, days: int) -> None:
        """Say after how many days an account's outputs end; 0 for never."""
        async with self._backends.database.transaction() as tx:
            await accounting.set_expiration_days(tx, account_id, days)

    async def sweep(self) -> None:
        """Delete every output whose time is over. May be repeated and run by many at once."""
        while found := await self._with_own_ends():
            for account_id in found:
                await self.end(account_id)
        after = ""
        while found := await self._with_settings(after):
            for account_id in found:
                await self.end(account_id)
            after = found[-1]

    async def end(self, account_id: str) -> None:
        """Delete the outputs of an account whose time is over."""
        while await self._end_some(account_id):
            pass

    async def _end_some(self, account_id: str) -> bool:
        database, at = self._backends.database, now()
        async with database.reading() as tx:
            if not await holdings.ended(tx, account_id, at, 1):
                return False
        async with database.transaction() as tx:
            await accounting.lock_account(tx, account_id)
            gone = await holdings.ended(tx, account_id, at, _BATCH)
            await holdings.remove(tx, account_id, gone)
            await self._backends.discard(tx, [output.file.storage_key for output in gone])
        return len(gone) == _BATCH

    async def _with_own_ends(self) -> list[str]:
        async with self._backends.database.reading() as tx:
            return await holdings.accounts_with_ended(tx, now(), _BATCH)

    async def _with_settings(self, after: str) -> list[str]:
        async with self._backends.database.reading() as tx:
            return await holdings.accounts_with_expiration(tx, after, _BATCH)
