"""Withdrawing outputs that became visible although the ledger did not take their attempt's result.

An attempt's outputs are committed before its result is reported. In between, its item may be
called off, run past its deadline or be given up; and a worker may die before it says a word.
What parts of an item made goes when that item has ended, however it did.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from services.chassis.database import now
from services.media.actions.backends import Backends
from services.media.model.files import Attempt
from services.media.store import committing, parts
from vitascope.work.v1 import work_pb2

if TYPE_CHECKING:
    from vitascope.work.v1.work_pb2_grpc import LedgerServiceAsyncStub

SETTLED_AFTER = timedelta(seconds=5)
"""How long after a commit the ledger is asked: by then it usually has the result."""

_ASK_AGAIN = timedelta(minutes=1)
_BATCH = 500
_REFUSED = (work_pb2.STATE_ERROR, work_pb2.STATE_CANCELLED)
_RUNNING = (work_pb2.STATE_QUEUED, work_pb2.STATE_EXECUTING)

log = structlog.stdlib.get_logger(__name__)


class Settling:
    """Asks the ledger how the items of visible outputs ended."""

    def __init__(self, backends: Backends, ledger: "LedgerServiceAsyncStub") -> None:
        self._backends = backends
        self._ledger = ledger

    async def settle(self) -> None:
        """Withdraw the outputs of items that ended otherwise than well. Raises Unavailable.

        What the ledger knows no more of stays: it forgets items that ended long ago.
        """
        while await self._settle_some():
            pass
        while await self._settle_wholes():
            pass

    async def _settle_some(self) -> bool:
        database = self._backends.database
        async with database.reading() as tx:
            visible = await committing.unsettled(tx, now(), _BATCH)
        if not visible:
            return False
        request = work_pb2.FindItemsRequest(item_ids=[each.item_id for each in visible])
        items = {item.item_id: item for item in (await self._ledger.FindItems(request)).items}
        running = {name for name, item in items.items() if item.state in _RUNNING}
        refused = {name for name, item in items.items() if item.state in _REFUSED}
        async with database.transaction() as tx:
            settled = [each.item_id for each in visible if each.item_id not in running | refused]
            await committing.ask_later(tx, settled, None)
            await committing.ask_later(tx, running, now() + _ASK_AGAIN)
        for attempt in visible:
            if attempt.item_id in refused:
                await self._withdraw(attempt)
        return len(visible) == _BATCH

    async def _withdraw(self, attempt: Attempt) -> None:
        # One transaction each: none may hold the numbers of many accounts.
        async with self._backends.database.transaction() as tx:
            keys = await committing.withdraw(tx, attempt)
            await self._backends.discard(tx, keys)
        log.info("outputs withdrawn", item=attempt.item_id, files=len(keys))

    async def _settle_wholes(self) -> bool:
        database = self._backends.database
        async with database.reading() as tx:
            wholes = await parts.unsettled_wholes(tx, now(), _BATCH)
        if not wholes:
            return False
        request = work_pb2.FindItemsRequest(item_ids=wholes)
        items = (await self._ledger.FindItems(request)).items
        running = {item.item_id for item in items if item.state in _RUNNING}
        async with database.transaction() as tx:
            await parts.ask_later(tx, running, now() + _ASK_AGAIN)
            keys = await parts.delete_parts_of(tx, set(wholes) - running)
            await self._backends.discard(tx, keys)
        return len(wholes) == _BATCH
