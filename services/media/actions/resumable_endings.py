"""What happens to uploads in several requests without a request."""

import hashlib
from asyncio import to_thread

import structlog

from services.chassis.database import now
from services.chassis.errors import NotFound
from services.media.actions.backends import Backends
from services.media.actions.resumable_request import settle
from services.media.actions.resumables import drop
from services.media.model.files import UploadGivenUp
from services.media.model.resumable import Resumable
from services.media.store import resuming

_BATCH = 100

log = structlog.stdlib.get_logger(__name__)


class ResumableEndings:
    """Drops what has expired, and sums up what arrived in more than one process's life."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    async def expire(self) -> None:
        """Drop uploads to which nothing was added for too long; forget those done long ago."""
        async with self._backends.database.transaction() as tx:
            for resumable in await resuming.expired(tx, now(), _BATCH):
                await drop(self._backends, tx, resumable)

    async def sum_up(self) -> None:
        """Make the video's file of whole uploads whose SHA-256 no process has.

        Their clients have their answer; reading what is stored takes its time. Raises Unavailable.
        """
        async with self._backends.database.reading() as tx:
            whole = await resuming.unsummed(tx, _BATCH)
        for resumable in whole:
            await self._sum_up(resumable)

    async def _sum_up(self, resumable: Resumable) -> None:
        digest = hashlib.sha256()
        try:
            async for chunk in self._backends.storage.read(resumable.upload.storage_key):
                await to_thread(digest.update, chunk)
        except NotFound:
            log.error("a whole upload is gone", video=resumable.upload.video_id)
            async with self._backends.database.transaction() as tx:
                await drop(self._backends, tx, resumable)
            return
        try:
            async with self._backends.database.transaction() as tx:
                await settle(self._backends, tx, resumable, digest.hexdigest())
        except UploadGivenUp:
            # Its video was deleted meanwhile, or another replica was faster.
            return
