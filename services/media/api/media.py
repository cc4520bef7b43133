"""MediaService: bytes in and out, for the world."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from urllib.parse import quote

from google.api.httpbody_pb2 import HttpBody

from services.chassis.auth import identity
from services.chassis.database import now
from services.media.actions.files import Files
from services.media.actions.links import Links
from services.media.actions.uploads import Uploads
from services.media.api.delivery import Context, deliver
from services.media.model.files import BrokenUpload, Media, NoFile, Role, Video, display_name
from services.media.model.headers import content_disposition, content_type_of
from services.media.model.links import LASTS_USUALLY
from vitascope.media.v1 import media_pb2, media_pb2_grpc

Piece = media_pb2.UploadMediaRequest | media_pb2.UploadLightMediaRequest
OfVideo = (
    media_pb2.DownloadOriginalRequest
    | media_pb2.DownloadProcessedRequest
    | media_pb2.DownloadScreenshotRequest
    | media_pb2.DownloadWebVideoRequest
)

# The files of a video by what stands for them in the addresses of downloads.
_FILES: Mapping[str, Role] = {
    "original": Role.ORIGINAL,
    "processed": Role.PROCESSED,
    "screenshot/small": Role.THUMBNAIL_SMALL,
    "screenshot/large": Role.THUMBNAIL_LARGE,
    "web": Role.WEB_VIDEO,
    "storyboard": Role.STORYBOARD,
}
# What the form around a file may add to the length of a request's body.
_MOST_ENVELOPE = 2**20
# A browser that opens a video by its address makes a page that plays it from there.
_POLICY = "default-src 'none'; media-src 'self'; frame-ancestors 'none'"


class MediaApi(media_pb2_grpc.MediaServiceServicer):
    """The documented Media endpoints."""

    def __init__(self, uploads: Uploads, files: Files, links: Links, public_url: str) -> None:
        self._uploads = uploads
        self._files = files
        self._links = links
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
        async for body in self._of_team(Role.ORIGINAL, request, context):
            yield body

    async def DownloadProcessed(
        self, request: media_pb2.DownloadProcessedRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        async for body in self._of_team(Role.PROCESSED, request, context):
            yield body

    async def DownloadScreenshot(
        self, request: media_pb2.DownloadScreenshotRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        async for body in self._of_team(_FILES[f"screenshot/{request.size}"], request, context):
            yield body

    async def DownloadWebVideo(
        self, request: media_pb2.DownloadWebVideoRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        async for body in self._of_team(Role.WEB_VIDEO, request, context):
            yield body

    async def DownloadStoryboard(
        self, request: media_pb2.DownloadStoryboardRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        team_id = identity().team_id
        media = await self._files.storyboard(request.video_id, team_id, request.file_name)
        async for body in deliver(self._files, request, media.file, context, _private(media)):
            yield body

    async def CreateLink(
        self, request: media_pb2.CreateLinkRequest, context: Context
    ) -> media_pb2.CreateLinkResponse:
        lasts = LASTS_USUALLY
        if request.HasField("expires_in_seconds"):
            lasts = timedelta(seconds=request.expires_in_seconds)
        role = _FILES[request.file]
        link = await self._links.create(request.video_id, role, identity().team_id, lasts)
        answer = media_pb2.CreateLinkResponse(
            url=f"{self._public_url}/media/v1/link/{link.sealed}/{quote(link.file_name, safe='')}"
        )
        answer.expires_at.FromDatetime(link.grant.expires_at)
        return answer

    async def DownloadLinked(
        self, request: media_pb2.DownloadLinkedRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        media, left = await self._links.follow(request.grant, request.file_name)
        # Without a token in the request, only this keeps it out of what many share.
        headers = {
            **_named(media),
            "cache-control": f"private, max-age={int(left.total_seconds())}",
        }
        async for body in deliver(self._files, request, media.file, context, headers):
            yield body

    async def DownloadOutput(
        self, request: media_pb2.DownloadOutputRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        output = await self._files.at(request.path)
        # Its address is made up anew with every attempt, so what it names never changes.
        seconds = int(output.cached_for(now()).total_seconds())
        headers = {"cache-control": f"max-age={seconds}"}
        async for body in deliver(self._files, request, output.file, context, headers):
            yield body

    async def _of_team(
        self, role: Role, asked: OfVideo, context: Context
    ) -> AsyncIterator[HttpBody]:
        media = await self._files.of_team(asked.video_id, role, identity().team_id)
        async for body in deliver(self._files, asked, media.file, context, _private(media)):
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
            stored_bytes=identity().limits.stored_bytes,
            least=max(0, first.content_length - _MOST_ENVELOPE),
        )

    def _next_steps(self, video: Video) -> dict[str, str]:
        videos = f"{self._public_url}/videos/v1"
        return {
            "check_ingest_progress_url": f"{videos}/check-ingest-video-progress/{video.video_id}",
            "process_video_url": f"{videos}/process-video/{video.video_id}",
        }


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


def _private(media: Media) -> dict[str, str]:
    """For those with a token only, and asked for anew: another file may take its place."""
    return {**_named(media), "cache-control": "private, no-cache"}


def _named(media: Media) -> dict[str, str]:
    return {
        "content-disposition": content_disposition(media.role, media.file.file_name),
        "content-security-policy": _POLICY,
    }
