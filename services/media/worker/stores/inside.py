"""The house's own store: files of videos, of accounts, and of parts of items."""

import secrets
import string
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import structlog
from google.protobuf.message import Message

from services.chassis.errors import Unavailable, VitascopeError
from services.chassis.storage import Storage
from services.media.operations import Output, operation
from services.media.worker.stores.insisting import insisting
from vitascope.media.v1.internal_pb2 import (
    ROLE_UNSPECIFIED,
    CommitOutputsRequest,
    Destination,
    OutputFile,
    PartDestination,
)
from vitascope.work.v1.work_pb2 import Assignment

if TYPE_CHECKING:
    from vitascope.media.v1.internal_pb2_grpc import StoreServiceAsyncStub

_LETTERS = string.ascii_letters + string.digits

log = structlog.stdlib.get_logger(__name__)


class Inside:
    """Puts files into storage and commits them, all or none."""

    def __init__(self, storage: Storage, store: "StoreServiceAsyncStub") -> None:
        self._storage = storage
        self._store = store

    async def publish(
        self, assignment: Assignment, spec: Message, outputs: Sequence[Output]
    ) -> Mapping[str, str]:
        """Return the paths of the visible outputs by name; raises VitascopeError."""
        named = [(output, _file_name(assignment, spec, output)) for output in outputs]
        request = await self._stored(assignment, assignment.destination, named)
        return await self._commit(request)

    async def keep(self, assignment: Assignment, output: Output) -> OutputFile:
        """Keep a file until the item ends, for this attempt and later ones; raises VitascopeError.

        Seen by nobody but the item's workers.
        """
        itself = Destination(part=PartDestination(item_id=assignment.lease.item_id))
        request = await self._stored(assignment, itself, [(output, output.file_name)])
        await self._commit(request)
        return request.outputs[0]

    async def _stored(
        self, assignment: Assignment, place: Destination, named: Sequence[tuple[Output, str]]
    ) -> CommitOutputsRequest:
        """Put files into storage; what is to be said to make them visible."""
        lease = assignment.lease
        folder = f"work/{lease.item_id}/{lease.attempt}"
        request = CommitOutputsRequest(
            item_id=lease.item_id, attempt=lease.attempt, destination=place
        )
        try:
            for output, file_name in named:
                key = f"{folder}/{output.name}"
                role = operation(assignment.kind).roles.get(output.name, ROLE_UNSPECIFIED)
                request.outputs.append(OutputFile(name=output.name, storage_key=key, role=role))
                stored = await self._storage.put_file(key, output.path)
                described = request.outputs[-1]
                described.size, described.sha256 = stored.size, stored.sha256
                described.content_type = output.content_type
                described.file_name = file_name
        except BaseException:
            await self._discard(request)
            raise
        return request

    async def _commit(self, request: CommitOutputsRequest) -> Mapping[str, str]:
        try:
            response = await insisting(lambda: self._store.CommitOutputs(request))
        except Unavailable:
            # It may have been committed all the same: delete nothing.
            raise
        except VitascopeError:
            await self._discard(request)
            raise
        return {output.name: output.path for output in response.outputs}

    async def _discard(self, request: CommitOutputsRequest) -> None:
        """Delete what will not become visible; what stays, the media service sweeps."""
        for output in request.outputs:
            try:
                await self._storage.delete(output.storage_key)
            except VitascopeError as error:
                log.warning("an output stays behind", key=output.storage_key, error=error.message)


def _file_name(assignment: Assignment, spec: Message, output: Output) -> str:
    if assignment.destination.HasField("account"):
        # As documented: dragon-image.thumb-IeWutW.
        letters = "".join(secrets.choice(_LETTERS) for _ in range(6))
        return f"dragon-{assignment.kind}-{letters}"
    asked: str = getattr(spec, "file_name", "")
    return asked or output.file_name
