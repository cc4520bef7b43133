"""Projects and videos: make, read, list, rename, delete."""

from dataclasses import replace
from uuid import uuid4

import structlog

from services.chassis.database import Database, Tx, now
from services.chassis.errors import VitascopeError
from services.chassis.events import Outbox
from services.videos import store
from services.videos.actions import announcing
from services.videos.actions.ledger import Ledger
from services.videos.model.records import (
    Caller,
    Project,
    ProjectNotEmpty,
    ProjectNotFound,
    Status,
    Upload,
    Video,
    VideoNotFound,
    Work,
    checked_name,
    is_id,
    next_look,
)

log = structlog.stdlib.get_logger(__name__)


class Catalogue:
    """The use cases of one team's projects and videos; another team's are not found."""

    def __init__(self, db: Database, outbox: Outbox, ledger: Ledger) -> None:
        self._db = db
        self._outbox = outbox
        self._ledger = ledger

    async def project(self, caller: Caller, project_id: str) -> Project:
        """Return a project. Raises ProjectNotFound."""
        async with self._db.reading() as tx:
            return await _project(tx, caller, project_id)

    async def projects(self, caller: Caller, page: int, page_size: int) -> store.Page[Project]:
        """Return a page (from 1) of the team's projects, newest first."""
        async with self._db.reading() as tx:
            return await store.projects_page(tx, caller.team_id, page, page_size)

    async def create_project(self, caller: Caller, name: str) -> Project:
        """Make a project. Raises Invalid for a name that cannot be kept."""
        moment = now()
        project = Project(str(uuid4()), checked_name(name), caller.team_id, moment, moment)
        async with self._db.transaction() as tx:
            await store.add_project(tx, project)
        return project

    async def rename_project(self, caller: Caller, project_id: str, name: str) -> Project:
        """Rename a project. Raises ProjectNotFound, Invalid."""
        async with self._db.transaction() as tx:
            project = await _project(tx, caller, project_id, lock=True)
            project = replace(project, name=checked_name(name), updated_at=now())
            await store.save_project(tx, project)
        return project

    async def delete_project(self, caller: Caller, project_id: str) -> None:
        """Delete an empty project. Raises ProjectNotFound, ProjectNotEmpty."""
        async with self._db.transaction() as tx:
            await _project(tx, caller, project_id, lock=True)
            if await store.has_videos(tx, project_id):
                raise ProjectNotEmpty("The project still has videos; delete them first.")
            await store.delete_project(tx, project_id)

    async def video(self, caller: Caller, video_id: str) -> Video:
        """Return a video. Raises VideoNotFound."""
        async with self._db.reading() as tx:
            return await own_video(tx, caller, video_id)

    async def look_up(self, video_id: str) -> Video:
        """Return any team's video. Raises VideoNotFound."""
        async with self._db.reading() as tx:
            video = await store.video(tx, video_id) if is_id(video_id) else None
        if video is None:
            raise VideoNotFound(f"There is no video {video_id!r}.")
        return video

    async def videos(
        self,
        caller: Caller,
        page: int,
        page_size: int,
        *,
        project_id: str | None,
        parent_id: str | None,
    ) -> store.Page[Video]:
        """Return a page (from 1) of the team's videos, newest first; an unknown filter: none."""
        if not all(is_id(wanted) for wanted in (project_id, parent_id) if wanted is not None):
            return store.Page([], 0)
        async with self._db.reading() as tx:
            return await store.videos_page(
                tx, caller.team_id, page, page_size, project_id=project_id, parent_id=parent_id
            )

    async def create_video(self, caller: Caller, name: str | None, project_id: str | None) -> Video:
        """Make a video that waits for its upload. Raises ProjectNotFound, Invalid."""
        moment = now()
        video = Video(
            id=str(uuid4()),
            name=checked_name(name) if name else None,
            project_id=project_id,
            user_id=caller.user_id,
            team_id=caller.team_id,
            parent_id=None,
            upload=Upload(Status.INITIAL, moment),
            work=Work(Status.INITIAL, moment),
            created_at=moment,
            updated_at=moment,
            look_at=None,
        )
        video = replace(video, look_at=next_look(video, moment))
        async with self._db.transaction() as tx:
            if project_id is not None:
                await _project(tx, caller, project_id, lock=True)
            await store.add_video(tx, video)
            await announcing.announce(self._outbox, tx, video, announcing.created())
        return video

    async def delete_video(self, caller: Caller, video_id: str) -> list[str]:
        """Delete a video and all that was made of it; return their ids, its own first.

        Running work is called off where the ledger can be reached; work that
        ends later finds no video and changes nothing. Raises VideoNotFound.
        """
        async with self._db.transaction() as tx:
            video = await own_video(tx, caller, video_id, lock=True)
            gone = [video, *await store.children(tx, video_id)]
            await store.delete_videos(tx, [each.id for each in gone])
            for each in gone:
                await announcing.announce(self._outbox, tx, each, announcing.deleted())
        running = [each.work_name for each in gone if each.work.status is Status.IN_PROGRESS]
        if running:
            try:
                await self._ledger.cancel(running)
            except VitascopeError as error:
                log.warning("work goes on for deleted videos", works=running, reason=error.message)
        return [each.id for each in gone]


async def own_video(tx: Tx, caller: Caller, video_id: str, *, lock: bool = False) -> Video:
    """Return the caller's team's video. Raises VideoNotFound."""
    video = await store.video(tx, video_id, lock=lock) if is_id(video_id) else None
    if video is None or video.team_id != caller.team_id:
        raise VideoNotFound(f"There is no video {video_id!r}.")
    return video


async def _project(tx: Tx, caller: Caller, project_id: str, *, lock: bool = False) -> Project:
    project = await store.project(tx, project_id, lock=lock) if is_id(project_id) else None
    if project is None or project.team_id != caller.team_id:
        raise ProjectNotFound(f"There is no project {project_id!r}.")
    return project
