"""Takes a file outside such that no attempt makes or sends again what an earlier one did.

The file is first kept in the house and the delivery saved as the item's checkpoint: a server that
is in trouble, or a worker that dies, costs only the rest of the way.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from services.chassis.storage import Storage
from services.media.operations import Output
from services.media.worker.stores.inside import Inside
from services.media.worker.stores.insisting import insisting
from services.media.worker.stores.sending import Sender, Sending
from vitascope.media.v1.internal_pb2 import Delivery
from vitascope.work.v1.work_pb2 import Assignment, Checkpoint, SaveCheckpointRequest

if TYPE_CHECKING:
    from vitascope.work.v1.work_pb2_grpc import LedgerServiceAsyncStub


class Deliveries:
    """Delivers by the `senders`, which are named as the places of a destination are."""

    def __init__(
        self,
        storage: Storage,
        inside: Inside,
        ledger: "LedgerServiceAsyncStub",
        senders: Mapping[str, Sender],
    ) -> None:
        self._storage = storage
        self._inside = inside
        self._ledger = ledger
        self._senders = senders

    async def begin(self, assignment: Assignment, result: Message, output: Output) -> Delivery:
        """Keep what was made, for `finish`. Raises VitascopeError."""
        file = await self._inside.keep(assignment, output)
        delivery = Delivery(result=result.SerializeToString(), file=file)
        await self._save(assignment, delivery)
        return delivery

    async def finish(
        self,
        assignment: Assignment,
        delivery: Delivery,
        path: Path,
        progress: Callable[[float], None],
    ) -> str:
        """Send the file `path`, which `fetch` gives too; where it is then.

        `progress` takes the part done, 0 to 1. Raises OutsideError and VitascopeError.
        """
        if not delivery.address:

            async def save() -> None:
                await self._save(assignment, delivery)

            place = assignment.destination.WhichOneof("place") or ""
            sending = Sending(path, delivery, save, progress)
            delivery.address = await self._senders[place].send(assignment.destination, sending)
            # Should the end not be heard, the next attempt has only to say it again.
            await save()
        return delivery.address

    async def fetch(self, delivery: Delivery, folder: Path) -> Path:
        """The file that an earlier attempt made, on this machine. Raises VitascopeError."""
        path = self._storage.local_path(delivery.file.storage_key)
        if path is None:
            path = folder / "made"
            await asyncio.to_thread(folder.mkdir, parents=True)
            await self._storage.fetch(delivery.file.storage_key, path)
        return path

    async def _save(self, assignment: Assignment, delivery: Delivery) -> None:
        checkpoint = Checkpoint(lease=assignment.lease, state=delivery.SerializeToString())
        request = SaveCheckpointRequest(checkpoint=checkpoint)
        await insisting(lambda: self._ledger.SaveCheckpoint(request))
