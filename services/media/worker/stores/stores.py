"""Picks the store for what was made."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from services.chassis.outside import Policy
from services.chassis.settings import Settings
from services.chassis.storage import Storage
from services.media.operations import Output
from services.media.worker.stores.delivery import Deliveries
from services.media.worker.stores.inside import Inside
from services.media.worker.stores.s3_signed import S3Signed, the_one
from services.media.worker.stores.sending import Sender
from services.media.worker.stores.youtube import Youtube, the_video
from vitascope.media.v1.internal_pb2 import Delivery
from vitascope.work.v1.work_pb2 import Assignment

if TYPE_CHECKING:
    from vitascope.media.v1.internal_pb2_grpc import StoreServiceAsyncStub
    from vitascope.work.v1.work_pb2_grpc import LedgerServiceAsyncStub

_SECONDS_TO_SEND = 2 * 3600.0
# Of what a server says: the sentences of S3 and the resources of YouTube are shorter.
_ANSWER_BYTES = 64 << 10


class Stores:
    """Takes what attempts made to where it belongs."""

    def __init__(self, inside: Inside, deliveries: Deliveries) -> None:
        self._inside = inside
        self._deliveries = deliveries

    async def publish(
        self,
        assignment: Assignment,
        spec: Message,
        result: Message,
        outputs: tuple[Output, ...],
        progress: Callable[[float], None],
    ) -> Mapping[str, str]:
        """Return where the outputs are, by name: a path in the house, else an address.

        `progress` takes the part done, 0 to 1, where it takes long. Raises OutsideError, BadMedia
        and VitascopeError.
        """
        if not outputs:
            return {}
        match assignment.destination.WhichOneof("place"):
            case "dummy":
                return {}
            case "s3_signed":
                output = the_one(outputs)
            case "youtube":
                output = the_video(result, outputs)
            case _:
                return await self._inside.publish(assignment, spec, outputs)
        delivery = await self._deliveries.begin(assignment, result, output)
        address = await self._deliveries.finish(assignment, delivery, output.path, progress)
        return {output.name: address}

    async def keep(self, assignment: Assignment, output: Output) -> str:
        """Keep a file in the house until the item ends; its key. Raises VitascopeError."""
        return (await self._inside.keep(assignment, output)).storage_key

    async def go_on(
        self,
        assignment: Assignment,
        delivery: Delivery,
        folder: Path,
        progress: Callable[[float], None],
    ) -> Mapping[str, str]:
        """What `publish` does, from where an earlier attempt stopped."""
        path = await self._deliveries.fetch(delivery, folder)
        address = await self._deliveries.finish(assignment, delivery, path, progress)
        return {delivery.file.name: address}


def is_outside(assignment: Assignment) -> bool:
    """Whether what is made has to be sent to somebody else's server."""
    return assignment.destination.WhichOneof("place") in ("s3_signed", "youtube")


def earlier_delivery(assignment: Assignment) -> Delivery | None:
    """What an earlier attempt made and has not delivered; None when there is nothing."""
    if not is_outside(assignment) or not assignment.checkpoint:
        return None
    return Delivery.FromString(assignment.checkpoint)


def stores_for(
    settings: Settings,
    storage: Storage,
    store: "StoreServiceAsyncStub",
    ledger: "LedgerServiceAsyncStub",
) -> Stores:
    """All stores of a worker."""
    policy = Policy(
        max_bytes=_ANSWER_BYTES,
        max_seconds=_SECONDS_TO_SEND,
        allow_loopback=settings.allow_loopback_sources,
    )
    inside = Inside(storage, store)
    senders: dict[str, Sender] = {
        "s3_signed": S3Signed(policy),
        "youtube": Youtube(settings.youtube_url, policy),
    }
    return Stores(inside, Deliveries(storage, inside, ledger, senders))
