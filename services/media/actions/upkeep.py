"""Keeping storage, rows and catalogue in step, whatever died in between."""

from collections.abc import Collection
from datetime import timedelta

from services.chassis.database import Tx, now
from services.media.actions.backends import Backends
from services.media.model.files import UPLOADS, WORK
from services.media.store import discarding, filing

# Rows in one round; a round is short, so that many replicas can take turns.
_BATCH = 100
_LISTED = 500
_CONFIRMED_FOR = timedelta(minutes=1)


class Upkeep:
    """Drops what nothing needs any more. Every step may be repeated and run by many at once."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    async def forget_video(self, tx: Tx, video_id: str) -> None:
        """Drop all files of a video, in the caller's transaction; the bytes follow."""
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
            exists = await self._backends.catalogue.find(video_id) is not None
            async with self._backends.database.transaction() as tx:
                if exists:
                    await filing.confirm_video(tx, video_id, now())
                else:
                    await self.forget_video(tx, video_id)

    async def sweep(self) -> None:
        """Discard objects that no row knows and that are old enough to belong to nothing alive.

        A worker's outputs lie in storage before a row knows them, hence the age. Raises
        Unavailable.
        """
        oldest = now() - timedelta(seconds=self._backends.settings.orphan_seconds)
        for folder in (UPLOADS, WORK):
            old: set[str] = set()
            async for entry in self._backends.storage.list(folder):
                if entry.modified < oldest:
                    old.add(entry.key)
                if len(old) >= _LISTED:
                    await self._discard_unknown(old)
                    old.clear()
            await self._discard_unknown(old)
            halves = self._backends.storage.halves(folder)
            await self._discard_unknown({e.key async for e in halves if e.modified < oldest})

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
