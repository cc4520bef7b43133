"""OutputsService: the files of tasks, for the account whose they are."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, TypeAlias

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Value

from services.chassis.auth import identity
from services.chassis.database import now
from services.chassis.errors import Invalid, Violation
from services.media.actions.deletion import Deletion
from services.media.actions.lifetimes import Lifetimes
from services.media.actions.listing import Listing
from services.media.model.outputs import (
    KeptOutput,
    Selection,
    Spot,
    addresses_of,
    listed_time,
    parse_times,
)
from vitascope.media.v1 import outputs_pb2, outputs_pb2_grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class OutputsApi(outputs_pb2_grpc.OutputsServiceServicer):
    """The documented storage methods, and what an account stores."""

    def __init__(self, listing: Listing, deletion: Deletion, lifetimes: Lifetimes) -> None:
        self._listing = listing
        self._deletion = deletion
        self._lifetimes = lifetimes

    async def ListFiles(
        self, request: outputs_pb2.ListFilesRequest, context: Context
    ) -> AsyncIterator[outputs_pb2.ListFilesResponse]:
        account_id, usage = _account(), 0
        spot = Spot.parse(request.path) or Spot()
        pages = self._listing.files(account_id, request.path, recursive=request.recursive)
        async for page in pages:
            usage += sum(output.file.size for output in page)
            yield outputs_pb2.ListFilesResponse(files=[_entry(output, spot) for output in page])
        if not request.recursive:
            async for names in self._listing.directories(account_id, request.path):
                yield outputs_pb2.ListFilesResponse(directories=[f"{name}/" for name in names])
        yield outputs_pb2.ListFilesResponse(usage=usage)

    async def DeleteFiles(
        self, request: outputs_pb2.DeleteFilesRequest, context: Context
    ) -> AsyncIterator[outputs_pb2.DeleteFilesResponse]:
        account_id, freed = _account(), 0
        async for gone in self._gone(account_id, request):
            freed += sum(output.file.size for output in gone)
            yield outputs_pb2.DeleteFilesResponse(deleted=[output.path for output in gone])
        if not request.dry_run:
            # What has ended already must not count for what is left.
            await self._lifetimes.end(account_id)
        usage = await self._listing.usage(account_id)
        yield outputs_pb2.DeleteFilesResponse(freed=freed, usage=usage.output_bytes)

    async def SetExpiration(
        self, request: outputs_pb2.SetExpirationRequest, context: Context
    ) -> outputs_pb2.SetExpirationResponse:
        await self._lifetimes.set_days(_account(), request.days)
        return outputs_pb2.SetExpirationResponse(days=request.days)

    async def GetExpiration(
        self, request: outputs_pb2.GetExpirationRequest, context: Context
    ) -> outputs_pb2.GetExpirationResponse:
        return outputs_pb2.GetExpirationResponse(days=await self._lifetimes.days(_account()))

    async def GetUsage(
        self, request: outputs_pb2.GetUsageRequest, context: Context
    ) -> outputs_pb2.GetUsageResponse:
        usage = await self._listing.usage(request.account_id)
        return outputs_pb2.GetUsageResponse(
            stored_bytes=usage.stored_bytes, output_bytes=usage.output_bytes
        )

    def _gone(
        self, account_id: str, request: outputs_pb2.DeleteFilesRequest
    ) -> AsyncIterator[Sequence[KeptOutput]]:
        _check_known(request)
        if request.HasField("urls") and not request.urls.HasField("null_value"):
            addresses = addresses_of(_urls(request.urls), account_id)
            return self._deletion.at_addresses(account_id, addresses, dry_run=request.dry_run)
        times = parse_times({"from": request.since, "to": request.until})
        spot = Spot.parse(request.path)
        if spot is None:
            return _nothing()
        before = None
        if request.HasField("max_age"):
            before = now() - timedelta(days=request.max_age)
        selection = Selection(spot, times["from"], times["to"], before)
        return self._deletion.selected(account_id, selection, dry_run=request.dry_run)


def _account() -> str:
    account_id = identity().team_id
    assert account_id is not None  # noqa: S101 -- the scope of these RPCs is an account's
    return account_id


def _entry(output: KeptOutput, spot: Spot) -> outputs_pb2.OutputFileEntry:
    return outputs_pb2.OutputFileEntry(
        name=output.path if spot.item_id is None else output.address.file_name,
        size=output.file.size,
        last_modified=listed_time(output.file.stored_at),
    )


def _check_known(request: outputs_pb2.DeleteFilesRequest) -> None:
    if request.unknown.fields:
        violations = [
            Violation(name, f"{name} is not known here, or not with such a value")
            for name in request.unknown.fields
        ]
        raise Invalid(violations[0].description, violations=violations)


def _urls(value: Value) -> list[object]:
    urls = MessageToDict(value)
    return urls if isinstance(urls, list) else [urls]


async def _nothing() -> AsyncIterator[Sequence[KeptOutput]]:
    """Nothing lies at a path that can never name anything."""
    return
    yield
