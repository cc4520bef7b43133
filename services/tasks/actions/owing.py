"""Writes down whom to call, in the transaction in which a task ends."""

import asyncio
from collections.abc import Callable

import structlog

from services.chassis.database import on_commit
from services.tasks.actions.batch import Batch
from services.tasks.model import Item, TaskRecord
from services.tasks.model.callbacks import Callback, address_for, host_of, owe, unspeakable
from services.tasks.sealing import Sealer
from services.tasks.store import callbacks
from services.tasks.store import tasks as records

WriteStatus = Callable[[TaskRecord, Item], bytes]
"""The status of a task as a client is told it, JSON."""

log = structlog.stdlib.get_logger(__name__)


class Owing:
    """Owes calls to the clients of tasks that end; `owed` is set when there is one to make."""

    def __init__(self, write_status: WriteStatus, sealer: Sealer) -> None:
        self._sealer = sealer
        self._write_status = write_status
        self.owed = asyncio.Event()

    async def note(self, batch: Batch) -> None:
        """Store the calls that a batch's ends of tasks ask for."""
        ended = [item for item in batch.added if item.calls_back and item.ended]
        ended += [after for _, after in batch.moved if after.calls_back and after.ended]
        if not ended:
            return
        found = await records.by_keys(batch.tx, {item.item_id for item in ended})
        new = [self._owe(found[item.item_id][0], item, batch) for item in ended]
        if owed := [callback for callback in new if callback]:
            await callbacks.add(batch.tx, owed)
            on_commit(batch.tx, self.owed.set)

    def _owe(self, record: TaskRecord, item: Item, batch: Batch) -> Callback | None:
        url = address_for(item, record)
        if url is None:
            return None
        try:
            host = host_of(self._sealer.open_text(url, item.item_id))
            body = self._write_status(record, item)
        except Exception:
            # What a worker made may be no result of its kind: its task ends all the same.
            log.exception("status cannot be written", task=item.item_id)
            return unspeakable(owe(item, url, "", b"", batch.now), batch.now)
        return owe(item, url, host, body, batch.now)
