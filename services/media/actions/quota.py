"""How much an account may store, asked before bytes come and while they do."""

from services.chassis.database import Tx
from services.media.actions.backends import Backends
from services.media.model.files import OverQuota
from services.media.store import accounting

_STEP = 16 * 2**20


class Quota:
    """Storage of one account that its uploads share; `limit` in bytes, 0 for none.

    Every upload reserves what it will need before it takes it, so that several at once cannot
    overrun the limit together. What ends, or is deleted, counts no more with its row.
    """

    def __init__(self, backends: Backends, account_id: str, limit: int) -> None:
        self._database = backends.database
        self._account_id = account_id
        self._limit = limit
        self._granted = 0

    async def check(self, tx: Tx, size: int) -> None:
        """Raise OverQuota unless there is room for `size` more bytes, which `tx` then takes."""
        if await self._room(tx, size) < size:
            raise OverQuota(self._limit, await self._used(tx), size)
        self._granted = size

    async def grow(self, storage_key: str, size: int) -> None:
        """Reserve room for an upload that has grown to `size` bytes. Raises OverQuota."""
        if not self._limit or size <= self._granted:
            return
        more = size - self._granted
        async with self._database.transaction() as tx:
            room = await self._room(tx, more)
            if room < more:
                raise OverQuota(self._limit, await self._used(tx), more)
            step = min(room, max(more, _STEP))
            await accounting.reserve_more(tx, storage_key, step)
        self._granted += step

    async def _room(self, tx: Tx, size: int) -> int:
        """The bytes that are left, locked until `tx` ends; `size` where there is no limit."""
        if not self._limit:
            return size
        await accounting.lock_account(tx, self._account_id)
        return self._limit - await self._used(tx)

    async def _used(self, tx: Tx) -> int:
        return await accounting.used_bytes(tx, self._account_id)
