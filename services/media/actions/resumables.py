"""Uploads in several requests: beginning one, adding to it, ending it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

from services.chassis.database import Tx, now
from services.media.actions.backends import Backends
from services.media.actions.happenings import abandoned, started
from services.media.actions.quota import Quota
from services.media.actions.resumable_request import Request, Sums
from services.media.model.files import (
    UPLOADS,
    AlreadyUploaded,
    NoFile,
    NotAnOriginal,
    Upload,
    too_large,
)
from services.media.model.resumable import (
    EXPIRES_AFTER,
    Checksum,
    CutOff,
    Resumable,
    UnknownUpload,
    UploadExpired,
    UploadIsWhole,
    WrongOffset,
)
from services.media.store import resuming, uploading


@dataclass(frozen=True)
class Wish:
    """What a client wants to upload: `length` in bytes, and its `Upload-Metadata` as sent."""

    video_id: str
    file_name: str
    content_type: str
    light: bool
    length: int
    metadata: str


class Resumables:
    """Originals that arrive in several requests, with days, and restarts, in between."""

    def __init__(self, backends: Backends, sums: Sums) -> None:
        self._backends = backends
        self._sums = sums
        # The request that adds to an upload now, by the upload's id.
        self._running: dict[str, asyncio.Task[Resumable]] = {}

    async def create(self, wish: Wish, team_id: str | None, stored_bytes: int) -> Resumable:
        """Begin an upload for a team whose account may store so many bytes, 0 for no limit.

        Takes the place of one that got no bytes yet: its client may never have heard of it.
        Raises UnknownVideo, NotAnOriginal, AlreadyUploaded, NoFile, TooLarge and OverQuota.
        """
        video = await self._backends.catalogue.of_team(wish.video_id, team_id)
        if video.parent_id is not None:
            raise NotAnOriginal
        if not wish.length:
            raise NoFile
        if wish.length > (limit := self._backends.settings.max_upload_bytes):
            raise too_large(limit)
        key = f"{UPLOADS}/{uuid4().hex}"
        upload = Upload(video.video_id, key, wish.file_name, wish.content_type, wish.light)
        made = Resumable(
            upload_id=uuid4().hex,
            team_id=video.team_id,
            upload=upload,
            length=wish.length,
            offset=0,
            state="",
            writer=None,
            metadata=wish.metadata,
            expires_at=now() + EXPIRES_AFTER,
            done=False,
        )
        async with self._backends.database.transaction() as tx:
            await self._make_place(tx, video.video_id)
            await Quota(self._backends, video.team_id, stored_bytes).check(tx, wish.length)
            await uploading.insert_upload(
                tx, upload, now(), team_id=video.team_id, reserved=wish.length
            )
            await resuming.insert_resumable(tx, made)
            await self._backends.outbox.append(tx, *started(upload))
        return made

    async def find(self, upload_id: str, team_id: str | None) -> Resumable:
        """A team's upload, as far as it is safe. Raises UnknownUpload and UploadExpired."""
        async with self._backends.database.reading() as tx:
            return _checked(await resuming.find_resumable(tx, upload_id), team_id)

    async def append(
        self,
        upload_id: str,
        team_id: str | None,
        *,
        offset: int,
        checksum: Checksum | None,
        pieces: AsyncIterator[bytes],
    ) -> Resumable:
        """Add bytes at `offset`; the last ones make the file the video's.

        A request that still runs is ended first: it belongs to a connection that its client has
        lost, and would keep that client waiting for a minute. What `pieces` raises passes through
        after all that came is safe; with a checksum nothing is, as it cannot be verified. Raises
        UnknownUpload, UploadExpired, WrongOffset, TooManyBytes, ChecksumMismatch, CutOff and
        UploadGivenUp.
        """
        await self.find(upload_id, team_id)
        await self._cut_off(upload_id)
        task = asyncio.create_task(self._add(upload_id, team_id, offset, checksum, pieces))
        self._running[upload_id] = task
        try:
            await asyncio.wait({task})
            if task.cancelled():
                raise CutOff
            return task.result()
        finally:
            # The caller was cancelled: its request ends, but not before what came is safe.
            task.cancel()
            await asyncio.wait({task})
            if self._running.get(upload_id) is task:
                del self._running[upload_id]

    async def terminate(self, upload_id: str, team_id: str | None) -> None:
        """Drop an upload and its bytes. Raises UnknownUpload, UploadExpired and UploadIsWhole."""
        await self.find(upload_id, team_id)
        await self._cut_off(upload_id)
        async with self._backends.database.transaction() as tx:
            found = await resuming.find_resumable(tx, upload_id, lock=True)
            found = _checked(found, team_id)
            if found.is_whole:
                raise UploadIsWhole
            await drop(self._backends, tx, found)
        self._sums.forget(upload_id)

    async def abandon(self, upload_id: str) -> None:
        """Drop an upload that nobody will go on with, unless it is whole; none is fine."""
        async with self._backends.database.transaction() as tx:
            found = await resuming.find_resumable(tx, upload_id, lock=True)
            if found is not None and not found.is_whole:
                await drop(self._backends, tx, found)
        self._sums.forget(upload_id)

    async def _make_place(self, tx: Tx, video_id: str) -> None:
        former = await resuming.find_of_video(tx, video_id)
        if former is None:
            return
        if former.offset or former.writer is not None:
            raise AlreadyUploaded(
                f"The video's file is on its way already, as the upload {former.upload_id}."
            )
        await drop(self._backends, tx, former)

    async def _cut_off(self, upload_id: str) -> None:
        while running := self._running.get(upload_id):
            running.cancel()
            await asyncio.wait({running})
            if self._running.get(upload_id) is running:
                del self._running[upload_id]

    async def _add(
        self,
        upload_id: str,
        team_id: str | None,
        offset: int,
        checksum: Checksum | None,
        pieces: AsyncIterator[bytes],
    ) -> Resumable:
        writer = uuid4().hex
        async with self._backends.database.transaction() as tx:
            found = await resuming.find_resumable(tx, upload_id, lock=True)
            found = _checked(found, team_id)
            if found.offset != offset:
                raise WrongOffset(found.offset)
            if found.is_whole:
                return found
            await resuming.set_writer(tx, upload_id, writer)
        return await Request(self._backends, self._sums, found, writer, checksum).run(pieces)


async def drop(backends: Backends, tx: Tx, resumable: Resumable) -> None:
    """Forget an upload and give its place free; its bytes go soon after `tx` is committed."""
    upload = resumable.upload
    await resuming.delete_resumable(tx, resumable.upload_id)
    if await uploading.delete_upload(tx, upload.storage_key):
        await backends.outbox.append(tx, *abandoned(upload))
        await backends.discard(tx, [upload.storage_key])


def _checked(found: Resumable | None, team_id: str | None) -> Resumable:
    if found is None or found.team_id != team_id:
        raise UnknownUpload
    if found.expires_at < now() and not found.is_whole:
        raise UploadExpired
    return found
