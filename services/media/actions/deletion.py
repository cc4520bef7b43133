"""Deleting outputs of an account because it says so."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from services.chassis.database import Tx, now
from services.media.actions.backends import Backends
from services.media.model.files import OutputAddress
from services.media.model.outputs import KeptOutput, Selection
from services.media.store import accounting, holdings

_BATCH = 500


class Deletion:
    """Deletes in batches, each a transaction: rows go, and their objects wait to be discarded.

    Whatever breaks off in between, the same request again deletes the rest.
    """

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    async def selected(
        self, account_id: str, selection: Selection, *, dry_run: bool
    ) -> AsyncIterator[Sequence[KeptOutput]]:
        """Delete what is selected; yield it, or only yield it, in the order of the paths."""
        at, cursor = now(), holdings.START

        async def find(tx: Tx) -> list[KeptOutput]:
            return await holdings.selected(tx, account_id, selection, at, cursor, _BATCH)

        while gone := await self._delete(account_id, find, dry_run=dry_run):
            yield gone
            cursor = gone[-1].address.item_id, gone[-1].address.file_name

    async def at_addresses(
        self, account_id: str, addresses: Sequence[OutputAddress], *, dry_run: bool
    ) -> AsyncIterator[Sequence[KeptOutput]]:
        """Delete the account's outputs at some addresses; yield them, or only yield them."""
        at = now()
        for start in range(0, len(addresses), _BATCH):
            some = addresses[start : start + _BATCH]

            async def find(tx: Tx, some: Sequence[OutputAddress] = some) -> list[KeptOutput]:
                return await holdings.at_addresses(tx, account_id, some, at)

            if gone := await self._delete(account_id, find, dry_run=dry_run):
                yield gone

    async def _delete(
        self,
        account_id: str,
        find: Callable[[Tx], Awaitable[list[KeptOutput]]],
        *,
        dry_run: bool,
    ) -> list[KeptOutput]:
        if dry_run:
            async with self._backends.database.reading() as tx:
                return await find(tx)
        async with self._backends.database.transaction() as tx:
            await accounting.lock_account(tx, account_id)
            gone = await find(tx)
            await holdings.remove(tx, account_id, gone)
            await self._backends.discard(tx, [output.file.storage_key for output in gone])
        return gone
