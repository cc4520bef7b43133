"""Hands waiting work to the ledger, however often it takes."""

import asyncio

import structlog

from services.chassis.database import Database
from services.chassis.errors import Unavailable, VitascopeError
from services.chassis.rounds import repeat
from services.videos import store
from services.videos.actions.ledger import Ledger
from services.videos.model.records import Video

RETRY_SECONDS = 5.0
BATCH = 1000

log = structlog.stdlib.get_logger(__name__)


class Dispatcher:
    """Submits pending work when woken, and looks for forgotten work every few seconds."""

    def __init__(self, db: Database, ledger: Ledger) -> None:
        self._db = db
        self._ledger = ledger
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Have pending work submitted soon; call it once the work is committed."""
        self._woken.set()

    async def run(self, retry_seconds: float = RETRY_SECONDS) -> None:
        """Submit pending work for ever: a background coroutine of the service."""
        await repeat(self.submit_pending, retry_seconds, wake=self._woken)

    async def submit_pending(self) -> None:
        """Submit pending work, the oldest first. Raises Unavailable when that must wait."""
        async with self._db.reading() as tx:
            batch = await store.pending_videos(tx, BATCH)
        for video in batch:
            try:
                await self._submit(video)
            except Unavailable:
                raise
            except VitascopeError as error:
                # One piece of work that the ledger refuses must not hold up the others.
                log.error("work was refused", video_id=video.id, reason=error.message)

    async def _submit(self, video: Video) -> None:
        await self._ledger.submit(video)
        async with self._db.transaction() as tx:
            still_there = await store.mark_submitted(tx, video.id)
        if not still_there:
            await self._ledger.cancel([video.work_name])
