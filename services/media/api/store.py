"""StoreService: what the suite's own processes ask about bytes."""

from typing import Any, TypeAlias

import grpc

from services.chassis.database import now
from services.chassis.errors import Invalid, Violation
from services.media.actions.files import Files
from services.media.actions.happenings import ROLES, stored_media
from services.media.actions.outputs import Outputs
from services.media.model.files import (
    AccountPlace,
    Attempt,
    Output,
    PartPlace,
    Place,
    StoredFile,
    VideoPlace,
)
from services.media.model.outputs import whole_milliseconds
from vitascope.media.v1 import internal_pb2, internal_pb2_grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_ROLES = {number: role for role, number in ROLES.items()}


class StoreApi(internal_pb2_grpc.StoreServiceServicer):
    """What the suite's own processes ask about bytes."""

    def __init__(self, files: Files, outputs: Outputs) -> None:
        self._files = files
        self._outputs = outputs

    async def GetMedia(
        self, request: internal_pb2.GetMediaRequest, context: Context
    ) -> internal_pb2.GetMediaResponse:
        role = _ROLES.get(request.role)
        if role is None:
            raise Invalid("A role is needed.", violations=[Violation("role", "Say which file.")])
        media = await self._files.of_video(request.video_id, role)
        return internal_pb2.GetMediaResponse(media=stored_media(media))

    async def CommitOutputs(
        self, request: internal_pb2.CommitOutputsRequest, context: Context
    ) -> internal_pb2.CommitOutputsResponse:
        paths = await self._outputs.commit(
            Attempt(request.item_id, request.attempt),
            _place(request.destination),
            [_output(file) for file in request.outputs],
        )
        return internal_pb2.CommitOutputsResponse(
            outputs=[
                internal_pb2.CommittedOutput(name=file.name, path=path)
                for file, path in zip(request.outputs, paths, strict=True)
            ]
        )


def _place(destination: internal_pb2.Destination) -> Place:
    if destination.HasField("account"):
        return _account_place(destination.account)
    if destination.HasField("video"):
        return VideoPlace(destination.video.video_id)
    if destination.HasField("part"):
        return PartPlace(destination.part.item_id)
    raise Invalid("Say where the outputs go.", violations=[Violation("destination", "Say where.")])


def _account_place(account: internal_pb2.AccountDestination) -> AccountPlace:
    lifetime = account.lifetime.ToTimedelta() if account.HasField("lifetime") else None
    return AccountPlace(account.account_id, lifetime, account.stored_bytes)


def _output(file: internal_pb2.OutputFile) -> Output:
    stored = StoredFile(
        storage_key=file.storage_key,
        size=file.size,
        sha256=file.sha256,
        file_name=file.file_name,
        content_type=file.content_type,
        stored_at=whole_milliseconds(now()),
    )
    return Output(file.name, stored, _ROLES.get(file.role))
