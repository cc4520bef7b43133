"""One request that adds bytes to an upload."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from services.chassis.database import Tx, now
from services.chassis.errors import VitascopeError
from services.chassis.storage import Draft
from services.media.actions.backends import Backends
from services.media.actions.happenings import stored
from services.media.model.files import UploadGivenUp
from services.media.model.resumable import (
    EXPIRES_AFTER,
    Checksum,
    CutOff,
    Resumable,
    TooManyBytes,
)
from services.media.store import resuming, uploading

if TYPE_CHECKING:
    from hashlib import _Hash

# What a killed process may cost: what came since the last time that it was kept.
_KEEP_BYTES = 32 * 2**20
_KEEP_SECONDS = 5.0


@dataclass
class Sum:
    """The SHA-256 of the first `size` bytes of an upload; None when it is not known."""

    size: int = 0
    digest: "_Hash | None" = field(default_factory=hashlib.sha256)
    used_at: float = field(default_factory=time.monotonic)

    def copy(self) -> "Sum":
        """Return the same to go on with apart from this one."""
        return Sum(self.size, self.digest and self.digest.copy())


class Sums:
    """The sums of uploads of which this process saw every byte so far.

    `missing` is set when one is whole whose sum is not known.
    """

    def __init__(self) -> None:
        self.missing = asyncio.Event()
        self._known: dict[str, Sum] = {}

    def take(self, resumable: Resumable) -> Sum:
        """The sum of what is safe of an upload, to go on with."""
        known = self._known.pop(resumable.upload_id, Sum())
        if known.size != resumable.offset:
            known = Sum(resumable.offset, None)
        return known

    def put_back(self, upload_id: str, reached: Sum) -> None:
        """Remember a sum for the next request, and forget those that none will come for."""
        oldest = time.monotonic() - EXPIRES_AFTER.total_seconds()
        self._known = {name: each for name, each in self._known.items() if each.used_at > oldest}
        if reached.digest is not None:
            reached.used_at = time.monotonic()
            self._known[upload_id] = reached

    def forget(self, upload_id: str) -> None:
        """Forget an upload."""
        self._known.pop(upload_id, None)


class Request:
    """One request that adds bytes; to be run once, by the upload's `writer`."""

    def __init__(
        self,
        backends: Backends,
        sums: Sums,
        resumable: Resumable,
        writer: str,
        checksum: Checksum | None,
    ) -> None:
        self._backends = backends
        self._sums = sums
        self._sum = sums.take(resumable)
        self._sum_before = self._sum.copy()
        self._before = resumable
        self._writer = writer
        self._checksum = checksum
        self._arrived = resumable.offset
        self._kept_at = time.monotonic()

    async def run(self, pieces: AsyncIterator[bytes]) -> Resumable:
        """Take the bytes and return what the upload is then.

        However it ends, what came is safe then; but with a checksum only what was verified.
        """
        before, storage = self._before, self._backends.storage
        key = before.upload.storage_key
        if before.writer is not None and await storage.size(key) == before.length:
            # The last writer died between making it an object and saying so.
            noted = await self._note(before.length, "", goes_on=False)
            self._sums.missing.set()
            return noted
        async with storage.draft(
            key,
            before.state,
            before.offset,
            length=before.length,
            taken_over=before.writer is not None,
        ) as draft:
            try:
                await self._take(draft, pieces)
                if self._checksum is not None:
                    self._checksum.verify()
            except BaseException:
                with suppress(VitascopeError):
                    await self._uncut(self._leave(draft))
                raise
            return await self._uncut(self._end(draft))

    async def _take(self, draft: Draft, pieces: AsyncIterator[bytes]) -> None:
        async for piece in pieces:
            if self._arrived + len(piece) > self._before.length:
                raise TooManyBytes(self._before.length)
            await self._add(draft, piece)
            late = time.monotonic() - self._kept_at > _KEEP_SECONDS
            if self._checksum is None and (late or self._arrived - draft.size >= _KEEP_BYTES):
                await draft.keep()
                await self._note(draft.size, draft.state, goes_on=True)
                self._kept_at = time.monotonic()

    async def _add(self, draft: Draft, piece: bytes) -> None:
        # Not known until all of this is done: it may be cut off in its middle.
        digest, self._sum.digest = self._sum.digest, None
        await asyncio.gather(draft.append(piece), asyncio.to_thread(self._count, digest, piece))
        self._sum.digest = digest
        self._sum.size += len(piece)
        self._arrived += len(piece)

    def _count(self, digest: "_Hash | None", piece: bytes) -> None:
        if digest is not None:
            digest.update(piece)
        if self._checksum is not None:
            self._checksum.add(piece)

    async def _leave(self, draft: Draft) -> Resumable:
        """Keep what came of a request that broke off; nothing of what was to be verified."""
        if self._checksum is None:
            return await self._end(draft)
        noted = await self._note(self._before.offset, self._before.state, goes_on=False)
        self._sums.put_back(noted.upload_id, self._sum_before)
        return noted

    async def _end(self, draft: Draft) -> Resumable:
        if self._arrived < self._before.length:
            await draft.keep()
            if draft.size < self._before.length:
                noted = await self._note(draft.size, draft.state, goes_on=False)
                if self._sum.size == draft.size:
                    self._sums.put_back(noted.upload_id, self._sum)
                return noted
        await draft.finish()
        return await self._make_whole()

    async def _note(self, offset: int, state: str, *, goes_on: bool) -> Resumable:
        async with self._backends.database.transaction() as tx:
            return await self._noted(tx, offset, state, goes_on=goes_on)

    async def _noted(self, tx: Tx, offset: int, state: str, *, goes_on: bool) -> Resumable:
        upload_id, expires_at = self._before.upload_id, now() + EXPIRES_AFTER
        mine = await resuming.note_progress(
            tx,
            upload_id,
            self._writer,
            offset=offset,
            state=state,
            expires_at=expires_at,
            goes_on=goes_on,
        )
        if not mine:
            gone = await resuming.find_resumable(tx, upload_id) is None
            raise UploadGivenUp if gone else CutOff
        return replace(self._before, offset=offset, state=state, expires_at=expires_at)

    async def _make_whole(self) -> Resumable:
        whole, upload = self._before.length, self._before.upload
        try:
            async with self._backends.database.transaction() as tx:
                noted = await self._noted(tx, whole, "", goes_on=False)
                if self._sum.digest is not None and self._sum.size == whole:
                    sha256 = self._sum.digest.hexdigest()
                    return await settle(self._backends, tx, noted, sha256)
        except UploadGivenUp:
            # The purge may have come by before the object was made.
            async with self._backends.database.transaction() as tx:
                await self._backends.discard(tx, [upload.storage_key])
            raise
        self._sums.missing.set()
        return noted

    async def _uncut(self, ending: Coroutine[Any, Any, Resumable]) -> Resumable:
        """Let it end even when the caller is cancelled, and make the caller wait for it."""
        task = asyncio.create_task(ending)
        cancelled = False
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            task.exception()  # nobody else asks for it
            raise asyncio.CancelledError
        return task.result()


async def settle(backends: Backends, tx: Tx, whole: Resumable, sha256: str) -> Resumable:
    """Make a whole upload the video's file. Raises UploadGivenUp when it has lost its place."""
    media = await uploading.finish_upload(tx, whole.upload, whole.length, sha256, now())
    if media is None:
        raise UploadGivenUp
    await resuming.set_done(tx, whole.upload_id)
    await backends.outbox.append(tx, *stored(media))
    return replace(whole, done=True)
