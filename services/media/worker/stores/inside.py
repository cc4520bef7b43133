"""Storing what an attempt made, and making it visible."""

import asyncio
import secrets
import string
from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog
from google.protobuf.message import Message

from services.chassis.errors import Unavailable, VitascopeError
from services.chassis.storage import Storage
from services.media.operations import Output, operation
from vitascope.media.v1.internal_pb2 import ROLE_UNSPECIFIED, CommitOutputsRequest, OutputFile
from vitascope.options.v1 import options_pb2
from vitascope.work.v1.work_pb2 import Assignment

if TYPE_CHECKING:
    from vitascope.media.v1.internal_pb2_grpc import StoreServiceAsyncStub

_COMMIT_DELAYS = (0.2, 0.5, 1.0, 2.0, 5.0)
_LETTERS = string.ascii_letters + string.digits

log = structlog.stdlib.get_logger(__name__)


class Outputs:
    """Puts files into storage and commits them, all or none."""

    def __init__(self, storage: Storage, store: "StoreServiceAsyncStub") -> None:
        self._storage = storage
        self._store = store

    async def publish(
        self, assignment: Assignment, spec: Message, outputs: tuple[Output, ...]
    ) -> Mapping[str, str]:
        """Return the paths of the visible outputs by name; raises VitascopeError."""
        lease = assignment.lease
        folder = f"work/{lease.item_id}/{lease.attempt}"
        request = CommitOutputsRequest(
            item_id=lease.item_id, attempt=lease.attempt, destination=assignment.destination
        )
        try:
            for output in outputs:
                key = f"{folder}/{output.name}"
                role = operation(assignment.kind).roles.get(output.name, ROLE_UNSPECIFIED)
                request.outputs.append(OutputFile(name=output.name, storage_key=key, role=role))
                stored = await self._storage.put_file(key, output.path)
                described = request.outputs[-1]
                described.size, described.sha256 = stored.size, stored.sha256
                described.content_type = output.content_type
                described.file_name = _file_name(assignment, spec, output)
        except BaseException:
            await self._discard(request)
            raise
        return await self._commit(request)

    async def _commit(self, request: CommitOutputsRequest) -> Mapping[str, str]:
        for delay in (*_COMMIT_DELAYS, None):
            try:
                response = await self._store.CommitOutputs(request)
            except Unavailable:
                # It may have been committed all the same: say it again, delete nothing.
                if delay is None:
                    raise
                await asyncio.sleep(delay)
            except VitascopeError:
                await self._discard(request)
                raise
            else:
                return {output.name: output.path for output in response.outputs}
        raise AssertionError("the last try returns or raises")

    async def _discard(self, request: CommitOutputsRequest) -> None:
        """Delete what will not become visible; what stays, the media service sweeps."""
        for output in request.outputs:
            try:
                await self._storage.delete(output.storage_key)
            except VitascopeError as error:
                log.warning("an output stays behind", key=output.storage_key, error=error.message)


def fill_addresses(result: Message, paths: Mapping[str, str]) -> None:
    """Set the result's output fields to the paths of the outputs with their names.

    Those of outputs that are not there are cleared: a run may have been taken over by the file
    that it decodes, and name another's.
    """
    for name in output_fields(result):
        result.ClearField(name)
        if name in paths:
            setattr(result, name, paths[name])


def output_fields(result: Message) -> list[str]:
    """The fields of a kind of result that say where outputs are."""
    options = options_pb2.output_file
    fields = result.DESCRIPTOR.fields
    return [field.name for field in fields if field.GetOptions().Extensions[options]]


def _file_name(assignment: Assignment, spec: Message, output: Output) -> str:
    if assignment.destination.HasField("account"):
        # As documented: dragon-image.thumb-IeWutW.
        letters = "".join(secrets.choice(_LETTERS) for _ in range(6))
        return f"dragon-{assignment.kind}-{letters}"
    asked: str = getattr(spec, "file_name", "")
    return asked or output.file_name
