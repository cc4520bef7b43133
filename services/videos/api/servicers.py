"""The servicers: messages in, use cases, messages out."""

from typing import Any, TypeAlias

import grpc

from services.chassis.auth import identity
from services.chassis.errors import Forbidden
from services.videos.actions.catalogue import Catalogue
from services.videos.actions.processing import Processing
from services.videos.api.addresses import Addresses, Paging
from services.videos.api.rendering import (
    ingestion_state,
    processing_state,
    project_listing,
    project_message,
    video_listing,
    video_message,
)
from services.videos.api.wishes import wish_of
from services.videos.model.records import Caller, VideoNotFound
from vitascope.videos.v1 import internal_pb2, internal_pb2_grpc, videos_pb2, videos_pb2_grpc

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class VideosServicer(videos_pb2_grpc.VideosServiceServicer):
    """The documented Videos endpoints."""

    def __init__(self, catalogue: Catalogue, processing: Processing, addresses: Addresses) -> None:
        self._catalogue = catalogue
        self._processing = processing
        self._addresses = addresses

    async def GetProject(
        self, request: videos_pb2.GetProjectRequest, context: Context
    ) -> videos_pb2.GetProjectResponse:
        """Return a project."""
        project = await self._catalogue.project(_caller(), request.project_id)
        return videos_pb2.GetProjectResponse(project=project_message(project))

    async def ListProjects(
        self, request: videos_pb2.ListProjectsRequest, context: Context
    ) -> videos_pb2.ListProjectsResponse:
        """Return a page of projects."""
        paging = _paging(request)
        page = await self._catalogue.projects(_caller(), paging.page, paging.page_size)
        return videos_pb2.ListProjectsResponse(
            page_size=paging.page_size,
            page=paging.page,
            links=paging.links(self._addresses.projects(), page.total),
            embedded=videos_pb2.EmbeddedProjects(
                projects=[project_listing(each, self._addresses) for each in page.records],
                total_found=page.total,
            ),
        )

    async def CreateProject(
        self, request: videos_pb2.CreateProjectRequest, context: Context
    ) -> videos_pb2.CreateProjectResponse:
        """Make a project."""
        project = await self._catalogue.create_project(_caller(), request.name)
        return videos_pb2.CreateProjectResponse(project=project_message(project))

    async def UpdateProject(
        self, request: videos_pb2.UpdateProjectRequest, context: Context
    ) -> videos_pb2.UpdateProjectResponse:
        """Rename a project."""
        project = await self._catalogue.rename_project(_caller(), request.project_id, request.name)
        return videos_pb2.UpdateProjectResponse(project=project_message(project))

    async def DeleteProject(
        self, request: videos_pb2.DeleteProjectRequest, context: Context
    ) -> videos_pb2.DeleteProjectResponse:
        """Delete an empty project."""
        await self._catalogue.delete_project(_caller(), request.project_id)
        return videos_pb2.DeleteProjectResponse()

    async def GetVideo(
        self, request: videos_pb2.GetVideoRequest, context: Context
    ) -> videos_pb2.GetVideoResponse:
        """Return a video."""
        video = await self._catalogue.video(_caller(), request.video_id)
        return videos_pb2.GetVideoResponse(video=video_message(video))

    async def ListVideos(
        self, request: videos_pb2.ListVideosRequest, context: Context
    ) -> videos_pb2.ListVideosResponse:
        """Return a page of videos."""
        paging = _paging(request)
        project_id = request.project_id if request.HasField("project_id") else None
        parent_id = request.parent_id if request.HasField("parent_id") else None
        page = await self._catalogue.videos(
            _caller(), paging.page, paging.page_size, project_id=project_id, parent_id=parent_id
        )
        asked = {"project-id": project_id, "parent-id": parent_id}
        filters = {name: value for name, value in asked.items() if value is not None}
        return videos_pb2.ListVideosResponse(
            page_size=paging.page_size,
            page=paging.page,
            links=paging.links(self._addresses.videos(), page.total, filters),
            embedded=videos_pb2.EmbeddedVideos(
                videos=[video_listing(each, self._addresses) for each in page.records],
                total_found=page.total,
            ),
        )

    async def CreateVideo(
        self, request: videos_pb2.CreateVideoRequest, context: Context
    ) -> videos_pb2.CreateVideoResponse:
        """Make a video that waits for its upload."""
        video = await self._catalogue.create_video(
            _caller(),
            request.name if request.HasField("name") else None,
            request.project_id if request.HasField("project_id") else None,
        )
        return videos_pb2.CreateVideoResponse(
            project_id=video.project_id,
            video_id=video.id,
            upload_media_url=self._addresses.upload(video.id, light=False),
            upload_light_media_url=self._addresses.upload(video.id, light=True),
            process_video_url=self._addresses.process(video.id),
        )

    async def ProcessVideo(
        self, request: videos_pb2.ProcessVideoRequest, context: Context
    ) -> videos_pb2.ProcessVideoResponse:
        """Have a processed video made."""
        video = await self._processing.process(_caller(), request.video_id, wish_of(request))
        return videos_pb2.ProcessVideoResponse(
            source_video_id=request.video_id,
            processed_video_id=video.id,
            project_id=video.project_id,
            check_progress_url=self._addresses.process_progress(video.id),
            download_media_url=self._addresses.download_processed(video.id),
        )

    async def CheckProcessProgress(
        self, request: videos_pb2.CheckProcessProgressRequest, context: Context
    ) -> videos_pb2.CheckProcessProgressResponse:
        """Return how far a processing is."""
        video = await self._catalogue.video(_caller(), request.video_id)
        if video.parent_id is None:
            raise VideoNotFound(f"The video {video.id!r} is not a processed one.")
        return videos_pb2.CheckProcessProgressResponse(
            video_id=video.id,
            project_id=video.project_id,
            processing_state=processing_state(video),
        )

    async def CheckIngestProgress(
        self, request: videos_pb2.CheckIngestProgressRequest, context: Context
    ) -> videos_pb2.CheckIngestProgressResponse:
        """Return how far an ingestion is."""
        video = await self._catalogue.video(_caller(), request.video_id)
        if video.parent_id is not None:
            raise VideoNotFound(f"The video {video.id!r} is not an original.")
        return videos_pb2.CheckIngestProgressResponse(
            video_id=video.id, project_id=video.project_id, ingestion_state=ingestion_state(video)
        )

    async def DeleteVideo(
        self, request: videos_pb2.DeleteVideoRequest, context: Context
    ) -> videos_pb2.DeleteVideoResponse:
        """Delete a video and all that was made of it."""
        gone = await self._catalogue.delete_video(_caller(), request.video_id)
        return videos_pb2.DeleteVideoResponse(
            deleted_videos=[videos_pb2.DeletedVideo(video_id=each) for each in gone]
        )


class CatalogueServicer(internal_pb2_grpc.CatalogueServiceServicer):
    """What the suite's own processes ask."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def LookUpVideo(
        self, request: internal_pb2.LookUpVideoRequest, context: Context
    ) -> internal_pb2.LookUpVideoResponse:
        """Return where a video belongs."""
        video = await self._catalogue.look_up(request.video_id)
        return internal_pb2.LookUpVideoResponse(
            video_id=video.id,
            team_id=video.team_id,
            project_id=video.project_id,
            parent_id=video.parent_id,
            name=video.name or "",
        )


def _caller() -> Caller:
    who = identity()
    if who.user_id is None or who.team_id is None:
        raise Forbidden("Videos belong to a team: call with a user's token.")
    return Caller(who.user_id, who.team_id)


def _paging(request: videos_pb2.ListProjectsRequest | videos_pb2.ListVideosRequest) -> Paging:
    return Paging.asked(
        request.page if request.HasField("page") else None,
        request.page_size if request.HasField("page_size") else None,
    )
