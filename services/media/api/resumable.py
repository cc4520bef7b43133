"""ResumableUploadService: tus 1.0, as gRPC knows it; the gateway makes headers of metadata."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import format_datetime
from typing import Any, TypeAlias

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis.auth import identity
from services.chassis.errors import Invalid, Violation, VitascopeError
from services.media.actions.resumables import Resumables, Wish
from services.media.model.files import BrokenUpload, NoFile, display_name
from services.media.model.headers import content_type_of
from services.media.model.resumable import (
    ALGORITHMS,
    CONTENT_TYPE,
    EXTENSIONS,
    VERSION,
    Checksum,
    Resumable,
    WrongContentType,
    check_version,
    in_tus,
    parse_metadata,
)
from vitascope.media.v1 import resumable_pb2, resumable_pb2_grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Piece = resumable_pb2.CreateResumableUploadRequest | resumable_pb2.AppendToResumableUploadRequest


class ResumableApi(resumable_pb2_grpc.ResumableUploadServiceServicer):
    """Originals in as many requests as it takes."""

    def __init__(self, resumables: Resumables, public_url: str, max_bytes: int) -> None:
        self._resumables = resumables
        self._address = f"{public_url}/media/v1/tus"
        self._max_bytes = max_bytes

    async def DescribeResumableUploads(
        self, request: resumable_pb2.DescribeResumableUploadsRequest, context: Context
    ) -> resumable_pb2.DescribeResumableUploadsResponse:
        headers = {
            "tus-version": VERSION,
            "tus-extension": EXTENSIONS,
            "tus-checksum-algorithm": ALGORITHMS,
            "tus-max-size": str(self._max_bytes),
        }
        await _answer(context, 204, headers)
        return resumable_pb2.DescribeResumableUploadsResponse()

    async def CreateResumableUpload(
        self,
        request_iterator: AsyncIterator[resumable_pb2.CreateResumableUploadRequest],
        context: Context,
    ) -> resumable_pb2.CreateResumableUploadResponse:
        with _tus_errors():
            first = await anext(aiter(request_iterator), None)
            if first is None:
                raise BrokenUpload
            wish, checksum = _wish(first), _checksum(first.upload_checksum)
            pieces = _pieces(first, request_iterator)
            begun = await anext(pieces, b"")
            if begun and first.chunk.content_type != CONTENT_TYPE:
                raise WrongContentType
            caller = identity()
            made = await self._resumables.create(wish, caller.team_id, caller.limits.stored_bytes)
            if begun:
                made = await self._with_bytes(made, checksum, _chained(begun, pieces))
        location = {"location": f"{self._address}/{made.upload_id}"}
        await _answer(context, 201, {**location, **_facts(made)})
        return resumable_pb2.CreateResumableUploadResponse(
            upload_id=made.upload_id, video_id=made.upload.video_id
        )

    async def GetResumableUpload(
        self, request: resumable_pb2.GetResumableUploadRequest, context: Context
    ) -> resumable_pb2.GetResumableUploadResponse:
        with _tus_errors():
            check_version(request.tus_resumable or VERSION)
            found = await self._resumables.find(request.upload_id, identity().team_id)
        headers = {
            **_facts(found),
            "upload-length": str(found.length),
            "cache-control": "no-store",
        }
        if found.metadata:
            headers["upload-metadata"] = found.metadata
        await _answer(context, 200, headers)
        return resumable_pb2.GetResumableUploadResponse(
            upload_id=found.upload_id,
            video_id=found.upload.video_id,
            upload_offset=found.offset,
            upload_length=found.length,
            upload_expires=_timestamp(found.expires_at),
        )

    async def AppendToResumableUpload(
        self,
        request_iterator: AsyncIterator[resumable_pb2.AppendToResumableUploadRequest],
        context: Context,
    ) -> resumable_pb2.AppendToResumableUploadResponse:
        with _tus_errors():
            first = await anext(aiter(request_iterator), None)
            if first is None:
                raise BrokenUpload
            check_version(first.tus_resumable)
            if first.chunk.content_type != CONTENT_TYPE:
                raise WrongContentType
            if not first.HasField("upload_offset"):
                raise _missing("Upload-Offset")
            reached = await self._resumables.append(
                first.upload_id,
                identity().team_id,
                offset=first.upload_offset,
                checksum=_checksum(first.upload_checksum),
                pieces=_pieces(first, request_iterator),
            )
        await _answer(context, 204, _facts(reached))
        return resumable_pb2.AppendToResumableUploadResponse()

    async def TerminateResumableUpload(
        self, request: resumable_pb2.TerminateResumableUploadRequest, context: Context
    ) -> resumable_pb2.TerminateResumableUploadResponse:
        with _tus_errors():
            check_version(request.tus_resumable)
            await self._resumables.terminate(request.upload_id, identity().team_id)
        await _answer(context, 204, {})
        return resumable_pb2.TerminateResumableUploadResponse()

    async def _with_bytes(
        self, made: Resumable, checksum: Checksum | None, pieces: AsyncIterator[bytes]
    ) -> Resumable:
        """Add what came along. What breaks off is dropped: its client never heard where it is."""
        team_id = made.team_id
        try:
            return await self._resumables.append(
                made.upload_id, team_id, offset=0, checksum=checksum, pieces=pieces
            )
        except BaseException:
            await self._resumables.abandon(made.upload_id)
            raise


def _wish(request: resumable_pb2.CreateResumableUploadRequest) -> Wish:
    check_version(request.tus_resumable)
    if request.upload_defer_length:
        raise _refused("Upload-Defer-Length", "is not taken: the length has to be known")
    if request.upload_concat:
        raise _refused("Upload-Concat", "is not taken: a file is one upload")
    if not request.HasField("upload_length"):
        raise _missing("Upload-Length")
    if request.upload_length <= 0:
        raise NoFile
    metadata = parse_metadata(request.upload_metadata)
    if not metadata.get("videoId"):
        raise _refused("Upload-Metadata", "has to name the video as videoId")
    file_name = display_name(metadata.get("filename", ""))
    return Wish(
        video_id=metadata["videoId"],
        file_name=file_name,
        content_type=content_type_of(metadata.get("filetype", ""), file_name),
        light=metadata.get("light", "").lower() == "true",
        length=request.upload_length,
        metadata=request.upload_metadata,
    )


def _checksum(header: str) -> Checksum | None:
    return Checksum(header) if header else None


async def _pieces(first: Piece, requests: AsyncIterator[Piece]) -> AsyncIterator[bytes]:
    """Yield the bytes. Raises BrokenUpload when the stream ends without the empty message."""
    if first.chunk.data:
        yield first.chunk.data
    async for request in requests:
        if not request.chunk.data:
            return
        yield request.chunk.data
    raise BrokenUpload


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _facts(resumable: Resumable) -> dict[str, str]:
    return {
        "upload-offset": str(resumable.offset),
        "upload-expires": format_datetime(resumable.expires_at, usegmt=True),
    }


async def _answer(context: Context, status: int, headers: dict[str, str]) -> None:
    every = {"tus-resumable": VERSION, **headers}
    metadata = [(f"http-header-{name}", value) for name, value in every.items()]
    await context.send_initial_metadata([("http-status", str(status)), *metadata])


@contextmanager
def _tus_errors() -> Iterator[None]:
    try:
        yield
    except VitascopeError as error:
        raise in_tus(error) from error.__cause__


def _missing(header: str) -> Invalid:
    return _refused(header, "is missing")


def _refused(header: str, why: str) -> Invalid:
    return Invalid(f"{header} {why}.", violations=[Violation(header, why, location="header")])


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
