"""MediaService: bytes in and out, for the world."""

from collections.abc import AsyncIterator, Mapping
from email.utils import format_datetime
from typing import Any, TypeAlias

import grpc
from google.api.httpbody_pb2 import HttpBody

from services.chassis.auth import identity
from services.media.actions.files import Files
from services.media.actions.uploads import Uploads
from services.media.model.files import (
    BrokenUpload,
    NoFile,
    Role,
    StoredFile,
    Video,
    display_name,
)
from services.media.model.headers import (
    content_disposition,
    content_type_of,
    entity_tag,
    is_known,
    parse_range,
    range_applies,
)
from vitascope.media.v1 import media_pb2, media_pb2_grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Piece = media_pb2.UploadMediaRequest | media_pb2.UploadLightMediaRequest
Asked = (
    media_pb2.DownloadOriginalRequest
    | media_pb2.DownloadProcessedRequest
    | media_pb2.DownloadOutputRequest
)

# An output's address is made up anew with every attempt, so what it names never changes.
_WEEK = {"cache-control": "max-age=604800"}


class MediaApi(media_pb2_grpc.MediaServiceServicer):
    """The documented Media endpoints."""

    def __init__(self, uploads: Uploads, files: Files, public_url: str) -> None:
        self._uploads = uploads
        self._files = files
        self._public_url = public_url

    async def UploadMedia(
        self, request_iterator: AsyncIterator[media_pb2.UploadMediaRequest], context: Context
    ) -> media_pb2.UploadMediaResponse:
        video = await self._receive(request_iterator, light=False)
        return media_pb2.UploadMediaResponse(
            project_id=video.project_id, video_id=video.video_id, **self._next_steps(video)
        )

    async def UploadLightMedia(
        self, request_iterator: AsyncIterator[media_pb2.UploadLightMediaRequest], context: Context
    ) -> media_pb2.UploadLightMediaResponse:
        video = await self._receive(request_iterator, light=True)
        return media_pb2.UploadLightMediaResponse(
            project_id=video.project_id, video_id=video.video_id, **self._next_steps(video)
        )

    async def DownloadOriginal(
        self, request: media_pb2.DownloadOriginalRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        file = await self._files.of_team(request.video_id, Role.ORIGINAL, identity().team_id)
        async for body in self._deliver(request, file, context, _attached(file)):
            yield body

    async def DownloadProcessed(
        self, request: media_pb2.DownloadProcessedRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        file = await self._files.of_team(request.video_id, Role.PROCESSED, identity().team_id)
        async for body in self._deliver(request, file, context, _attached(file)):
            yield body

    async def DownloadOutput(
        self, request: media_pb2.DownloadOutputRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        file = await self._files.at(request.path)
        async for body in self._deliver(request, file, context, _WEEK):
            yield body

    async def _receive(self, requests: AsyncIterator[Piece], *, light: bool) -> Video:
        first = await anext(aiter(requests), None)
        if first is None:
            raise NoFile
        file_name = display_name(first.file_name)
        return await self._uploads.receive(
            first.video_id,
            identity().team_id,
            file_name=file_name,
            content_type=content_type_of(first.file.content_type, file_name),
            light=light,
            pieces=_pieces(first, requests),
        )

    def _next_steps(self, video: Video) -> dict[str, str]:
        videos = f"{self._public_url}/videos/v1"
        return {
            "check_ingest_progress_url": f"{videos}/check-ingest-video-progress/{video.video_id}",
            "process_video_url": f"{videos}/process-video/{video.video_id}",
        }

    async def _deliver(
        self, request: Asked, file: StoredFile, context: Context, headers: Mapping[str, str]
    ) -> AsyncIterator[HttpBody]:
        etag = entity_tag(file.sha256)
        headers = {"etag": etag, "accept-ranges": "bytes", **headers}
        if is_known(request.if_none_match, etag):
            await _send_headers(context, 304, headers)
            return
        ranged = range_applies(request.if_range, etag)
        part = parse_range(request.range, file.size) if ranged else None
        start, end = (part.start, part.end) if part else (0, file.size)
        # Read before the headers go: a file that cannot be read is still a plain error then.
        chunks = self._files.read(file, start, end)
        first = await anext(chunks, b"")
        headers |= {
            "content-length": str(end - start),
            "content-type": file.content_type,
            "last-modified": format_datetime(file.stored_at, usegmt=True),
            "x-content-type-options": "nosniff",
        }
        if part:
            headers["content-range"] = str(part)
        await _send_headers(context, 206 if part else 200, headers)
        yield HttpBody(content_type=file.content_type, data=first)
        async for chunk in chunks:
            yield HttpBody(data=chunk)


async def _pieces(first: Piece, requests: AsyncIterator[Piece]) -> AsyncIterator[bytes]:
    """Yield the file's bytes. Raises BrokenUpload when the stream ends without the empty message.

    Its mere end proves nothing: a cancelled stream reads as if it had ended, until gRPC gets
    round to cancelling the handler.
    """
    if first.file.data:
        yield first.file.data
    async for request in requests:
        if not request.file.data:
            return
        yield request.file.data
    raise BrokenUpload


async def _send_headers(context: Context, status: int, headers: Mapping[str, str]) -> None:
    metadata = [(f"http-header-{name}", value) for name, value in headers.items()]
    await context.send_initial_metadata([("http-status", str(status)), *metadata])


def _attached(file: StoredFile) -> dict[str, str]:
    return {"content-disposition": content_disposition(file.file_name)}
