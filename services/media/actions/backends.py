"""What the use cases stand on."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.chassis.database import Database, Tx, on_commit
from services.chassis.errors import NotFound
from services.chassis.events import Outbox
from services.chassis.settings import Settings
from services.chassis.storage import Storage
from services.media.model.files import UnknownVideo, Video
from services.media.store import discarding
from vitascope.videos.v1.internal_pb2 import LookUpVideoRequest

if TYPE_CHECKING:
    from vitascope.videos.v1.internal_pb2_grpc import CatalogueServiceAsyncStub


class Catalogue:
    """The videos service's word on which videos there are."""

    def __init__(self, stub: "CatalogueServiceAsyncStub") -> None:
        self._stub = stub

    async def find(self, video_id: str) -> Video | None:
        """Return the video, or None when it does not exist. Raises Unavailable."""
        try:
            answer = await self._stub.LookUpVideo(LookUpVideoRequest(video_id=video_id))
        except NotFound:
            return None
        return Video(
            video_id=answer.video_id,
            team_id=answer.team_id,
            project_id=answer.project_id if answer.HasField("project_id") else None,
            parent_id=answer.parent_id if answer.HasField("parent_id") else None,
        )

    async def of_team(self, video_id: str, team_id: str | None) -> Video:
        """Return the team's video. Raises UnknownVideo, for another team's too."""
        video = await self.find(video_id)
        if video is None or video.team_id != team_id:
            raise UnknownVideo(video_id)
        return video


@dataclass(frozen=True)
class Backends:
    """The parts that every use case shares."""

    settings: Settings
    database: Database
    outbox: Outbox
    storage: Storage
    catalogue: Catalogue
    # Set when objects wait to be deleted, so that they go at once and not at the next round.
    discarded: asyncio.Event = field(default_factory=asyncio.Event)

    async def discard(self, tx: Tx, storage_keys: Collection[str]) -> None:
        """Have objects deleted from storage soon after `tx` is committed."""
        if storage_keys:
            await discarding.discard(tx, storage_keys)
            on_commit(tx, self.discarded.set)
