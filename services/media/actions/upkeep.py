"""Keeping storage, rows and catalogue in step, whatever died in between."""

from collections.abc import AsyncIterator, Collection
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter

from services.chassis.database import Tx, now
from services.chassis.storage import Entry
from services.chassis.telemetry import REGISTRY
from services.media.actions.backends import Backends
from services.media.model.files import UPLOADS, WORK
from services.media.store import discarding, filing, resuming

# Rows in one round; a round is short, so that many replicas can take turns.
_BATCH = 100
_LISTED = 500
_CONFIRMED_FOR = timedelta(minutes=1)

LOST_FILES = Counter(
    "vitascope_lost_files",
    "Stored files of videos that storage was found to have lost or cut; told again every round.",
    registry=REGISTRY,
)

log = structlog.stdlib.get_logger(__name__)


class Upkeep:
    """Drops what nothing needs any more. Every step may be repeated and run by many at once."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends
        self._looked_at = ""

    async def forget_video(self, tx: Tx, video_id: str) -> None:
        """Drop all files of a video, in the caller's transaction; the bytes follow."""
        await resuming.delete_of_video(tx, video_id)
        await self._backends.discard(tx, await filing.delete_video(tx, video_id))

    async def purge(self) -> None:
        """Delete the discarded objects from storage. Raises Unavailable."""
        while keys := await self._discarded():
            for key in keys:
                await self._backends.storage.delete(key)
            async with self._backends.database.transaction() as tx:
                await discarding.forget_discarded(tx, keys)

    async def reconcile(self) -> None:
        """Ask the catalogue for videos not asked for lately; drop the files of unknown ones.

        Heals what a lost VideoDeleted left behind. Raises Unavailable.
        """
        async with self._backends.database.reading() as tx:
            video_ids = await filing.unconfirmed_videos(tx, now() - _CONFIRMED_FOR, _BATCH)
        for video_id in video_ids:
            video = await self._backends.catalogue.find(video_id)
            async with self._backends.database.transaction() as tx:
                if video is not None:
                    await filing.confirm_video(tx, video_id, video.team_id, now())
                else:
                    await self.forget_video(tx, video_id)

    async def sweep(self) -> None:
        """Discard objects that no row knows and that are old enough to belong to nothing alive.

        Half-written ones too. A worker's outputs lie in storage before a row knows them, hence the
        age. Raises Unavailable.
        """
        oldest = now() - timedelta(seconds=self._backends.settings.orphan_seconds)
        storage = self._backends.storage
        for folder in (UPLOADS, WORK):
            for entries in (storage.list(folder), storage.halves(folder)):
                await self._discard_old(entries, oldest)

    async def look_for_lost(self) -> None:
        """Tell of files that rows know and storage has not; some rows at a time, in turn.

        They stay as they are: only an operator knows whether there is a backup. Raises Unavailable.
        """
        async with self._backends.database.reading() as tx:
            some = await filing.stored_after(tx, self._looked_at, _LISTED)
        for media in some:
            file = media.file
            size = await self._backends.storage.size(file.storage_key)
            if size != file.size and await self._is_known(file.storage_key):
                LOST_FILES.inc()
                log.error(
                    "stored file lost",
                    video=media.video_id,
                    role=media.role,
                    key=file.storage_key,
                    expected=file.size,
                    found=size,
                )
            self._looked_at = file.storage_key
        if len(some) < _LISTED:
            self._looked_at = ""

    async def _is_known(self, key: str) -> bool:
        """Whether a row still knows it, and it is not about to be deleted."""
        async with self._backends.database.reading() as tx:
            return key in await filing.stored_keys(tx, [key])

    async def _discard_old(self, entries: AsyncIterator[Entry], oldest: datetime) -> None:
        old: set[str] = set()
        async for entry in entries:
            if entry.modified < oldest:
                old.add(entry.key)
            if len(old) >= _LISTED:
                await self._discard_unknown(old)
                old.clear()
        await self._discard_unknown(old)

    async def _discarded(self) -> list[str]:
        async with self._backends.database.reading() as tx:
            return await discarding.discarded_keys(tx, _BATCH)

    async def _discard_unknown(self, keys: Collection[str]) -> None:
        async with self._backends.database.reading() as tx:
            unknown = set(keys) - await discarding.known_keys(tx, keys)
        if unknown:
            async with self._backends.database.transaction() as tx:
                still_unknown = unknown - await discarding.known_keys(tx, unknown)
                await self._backends.discard(tx, still_unknown)
