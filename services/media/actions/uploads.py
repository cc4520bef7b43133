"""Receiving originals."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

from services.chassis.database import Tx, now
from services.chassis.storage import Stored
from services.media.actions.backends import Backends
from services.media.actions.happenings import abandoned, started, stored
from services.media.actions.quota import Quota
from services.media.model.files import (
    STALE_AFTER,
    UPLOADS,
    NoFile,
    NotAnOriginal,
    Upload,
    UploadGivenUp,
    Video,
    too_large,
)
from services.media.store import uploading

_BATCH = 100


class Uploads:
    """Streams originals into storage; what breaks off leaves nothing behind."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends
        self._active: set[str] = set()
        self._settling: set[asyncio.Task[None]] = set()

    async def receive(
        self,
        video_id: str,
        team_id: str | None,
        *,
        file_name: str,
        content_type: str,
        light: bool,
        pieces: AsyncIterator[bytes],
        stored_bytes: int = 0,
        least: int = 0,
    ) -> Video:
        """Store the original of a team's video, piece by piece, and return the video.

        The team's account may store `stored_bytes`, 0 for no limit; `least` bytes will come.
        Raises UnknownVideo, NotAnOriginal, AlreadyUploaded, NoFile, TooLarge, OverQuota, and what
        `pieces` raises.
        """
        video = await self._backends.catalogue.of_team(video_id, team_id)
        if video.parent_id is not None:
            raise NotAnOriginal
        first = await anext(pieces, None)
        if first is None:
            raise NoFile
        limit = self._backends.settings.max_upload_bytes
        if least > limit:
            raise too_large(limit)
        key = f"{UPLOADS}/{uuid4().hex}"
        upload = Upload(video.video_id, key, file_name, content_type, light)
        whole: Stored | None = None
        self._active.add(key)
        try:
            quota = Quota(self._backends, video.team_id, stored_bytes)
            await self._begin(upload, quota, video.team_id, max(least, len(first)))
            whole = await self._backends.storage.put(key, self._measured(key, quota, first, pieces))
        finally:
            await self._settle(upload, whole)
        return video

    async def keep_alive(self) -> None:
        """Vouch for the uploads that run here; end those that nobody vouches for any more."""
        async with self._backends.database.transaction() as tx:
            await uploading.touch_uploads(tx, self._active, now())
            for upload in await uploading.stale_uploads(tx, now() - STALE_AFTER, _BATCH):
                await self._drop(tx, upload)

    async def _begin(self, upload: Upload, quota: Quota, team_id: str, size: int) -> None:
        async with self._backends.database.transaction() as tx:
            await quota.check(tx, size)
            await uploading.insert_upload(tx, upload, now(), team_id=team_id, reserved=size)
            await self._backends.outbox.append(tx, *started(upload))

    async def _measured(
        self, key: str, quota: Quota, first: bytes, pieces: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes]:
        limit = self._backends.settings.max_upload_bytes
        size = len(first)
        yield first
        async for piece in pieces:
            size += len(piece)
            if size > limit:
                raise too_large(limit)
            await quota.grow(key, size)
            yield piece

    async def _settle(self, upload: Upload, whole: Stored | None) -> None:
        """Finish or abandon the upload, to the end even when the caller is gone by now."""
        settling = asyncio.create_task(
            self._abandon(upload) if whole is None else self._finish(upload, whole)
        )
        self._settling.add(settling)
        settling.add_done_callback(self._settling.discard)
        await asyncio.shield(settling)

    async def _finish(self, upload: Upload, whole: Stored) -> None:
        try:
            async with self._backends.database.transaction() as tx:
                media = await uploading.finish_upload(tx, upload, whole.size, whole.sha256, now())
                if media is None:
                    await self._drop(tx, upload)
                else:
                    await self._backends.outbox.append(tx, *stored(media))
        finally:
            self._active.discard(upload.storage_key)
        if media is None:
            raise UploadGivenUp

    async def _abandon(self, upload: Upload) -> None:
        try:
            async with self._backends.database.transaction() as tx:
                await self._drop(tx, upload)
        finally:
            self._active.discard(upload.storage_key)

    async def _drop(self, tx: Tx, upload: Upload) -> None:
        if await uploading.delete_upload(tx, upload.storage_key):
            await self._backends.outbox.append(tx, *abandoned(upload))
        await self._backends.discard(tx, [upload.storage_key])
