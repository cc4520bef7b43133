"""Asks the other services about what was not heard of for too long.

Events say "look" and may get lost; the owner's answer by gRPC is the truth.
"""

from collections.abc import Sequence

from services.chassis.clients import Clients
from services.chassis.database import Database, now
from services.chassis.errors import NotFound
from services.chassis.rounds import repeat
from services.videos import store
from services.videos.actions.following import Following
from services.videos.actions.ledger import Ledger
from services.videos.model.records import Dispatch, StoredFile, Video, next_look
from vitascope.media.v1 import internal_pb2, internal_pb2_grpc

ROUND_SECONDS = 10.0
"""How often overdue rows are looked for; a row is overdue after `records.PATIENCE`."""
BATCH = 500


class Healing:
    """Brings overdue videos up to date."""

    def __init__(
        self, db: Database, clients: Clients, ledger: Ledger, following: Following
    ) -> None:
        self._db = db
        self._store: internal_pb2_grpc.StoreServiceAsyncStub = clients.stub(
            internal_pb2_grpc.StoreServiceStub
        )
        self._ledger = ledger
        self._following = following

    async def run(self, round_seconds: float = ROUND_SECONDS) -> None:
        """Look at everything unfinished at once, then at what is overdue, for ever."""
        started = False

        async def heal() -> None:
            nonlocal started
            if not started:
                async with self._db.transaction() as tx:
                    await store.look_now(tx, now())
                started = True
            await self.heal_overdue()

        await repeat(heal, round_seconds)

    async def heal_overdue(self) -> None:
        """Ask about every overdue video. Raises Unavailable when a service cannot be asked."""
        while True:
            async with self._db.reading() as tx:
                batch = await store.overdue_videos(tx, now(), BATCH)
            await self._ask_ledger([v for v in batch if v.work.dispatch is Dispatch.SUBMITTED])
            for video in batch:
                if video.awaits_upload:
                    await self._ask_store(video)
                elif video.work.dispatch is Dispatch.PENDING:
                    await self._look_later(video)
            if len(batch) < BATCH:
                return

    async def _ask_ledger(self, videos: Sequence[Video]) -> None:
        if not videos:
            return
        news = await self._ledger.ask([video.work_name for video in videos])
        for report in news:
            async with self._db.transaction() as tx:
                await self._following.work_heard(tx, report)
        known = {report.work_name for report in news}
        for video in videos:
            if video.work_name not in known:
                async with self._db.transaction() as tx:
                    await self._following.work_forgotten(tx, video.id)

    async def _ask_store(self, video: Video) -> None:
        request = internal_pb2.GetMediaRequest(video_id=video.id, role=internal_pb2.ROLE_ORIGINAL)
        try:
            media = (await self._store.GetMedia(request)).media
        except NotFound:
            await self._look_later(video)
            return
        async with self._db.transaction() as tx:
            await self._following.media_stored(tx, stored_file(media))

    async def _look_later(self, video: Video) -> None:
        async with self._db.transaction() as tx:
            await store.look_later(tx, video.id, next_look(video, now()))


def stored_file(media: internal_pb2.StoredMedia) -> StoredFile:
    """Read what the media service says of an original."""
    return StoredFile(
        video_id=media.video_id,
        file_name=media.file_name,
        file_size=media.size,
        file_type=media.content_type,
        light=media.light,
    )
