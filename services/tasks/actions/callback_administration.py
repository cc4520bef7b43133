"""What those who run the suite may do with callbacks."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from services.chassis.database import Database
from services.chassis.errors import NotFound
from services.tasks.model.callbacks import MASK, TRIED_FOR, Callback, CallbackState, shown
from services.tasks.sealing import Sealer, Unreadable
from services.tasks.store import callbacks

PAGE = 50


class CallbackAdministration:
    """Looks at callbacks, and has them tried at once; `owed` is set to have it done.

    Addresses are returned without what may be a credential in them.
    """

    def __init__(
        self, db: Database, sealer: Sealer, owed: asyncio.Event, clock: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._sealer = sealer
        self._owed = owed
        self._now = clock

    async def newest(
        self,
        *,
        state: CallbackState | None,
        account_id: str,
        key: str,
        before: int | None,
        page_size: int,
    ) -> tuple[list[Callback], int | None]:
        """Return a page, newest first, and from which position the next one goes on."""
        async with self._db.reading() as tx:
            found, rest = await callbacks.newest(
                tx,
                state=state,
                account_id=account_id,
                key=key,
                before=before,
                limit=page_size or PAGE,
            )
        return [self._shown(each) for each in found], rest

    async def get(self, callback_id: str) -> Callback:
        """Return a callback. Raises NotFound."""
        async with self._db.reading() as tx:
            found = await callbacks.by_ids(tx, [callback_id])
        if not found:
            raise NotFound(f"There is no callback {callback_id!r}, or it has expired.")
        return self._shown(found[0])

    async def retry(self, callback_ids: Sequence[str]) -> list[Callback]:
        """Have what waits or was given up tried at once, and for another day; return all that
        exist, as they are now."""
        now = self._now()
        async with self._db.transaction() as tx:
            await callbacks.retry(tx, callback_ids, now, now + TRIED_FOR)
            found = await callbacks.by_ids(tx, callback_ids)
        self._owed.set()
        return [self._shown(each) for each in found]

    def _shown(self, callback: Callback) -> Callback:
        try:
            url = shown(self._sealer.open_text(callback.url, callback.key))
        except Unreadable:
            url = MASK
        return replace(callback, url=url)
