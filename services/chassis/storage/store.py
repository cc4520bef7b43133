"""What is stored, by key: reading, listing, deleting, and whole objects in.

Objects have keys such as `videos/ab12/original` and are whole or absent, never half. Content
types and ETags are kept in the database: a folder has no place for them.
"""

import asyncio
import atexit
import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import LocalStore, ObjectStore, S3Store

from services.chassis.errors import NotFound
from services.chassis.lending import next_step
from services.chassis.storage.bucket import HALVES, BucketDraft
from services.chassis.storage.drafts import Draft, Stored
from services.chassis.storage.folder import (
    FolderDraft,
    delete_parts,
    facts_of,
    part_at_hand,
    part_of,
    parts_below,
    put_small,
)
from services.chassis.storage.keys import CHUNK, Entry, checked, named_errors
from services.chassis.storage.s3 import S3, Address

if TYPE_CHECKING:
    from obstore.store import S3Config

# How much is read at a time, for a reader that takes it slowly and for one that takes it fast: what
# is read waits for the reader. One request to S3 costs some 10 ms wherever it is, so ask for more.
_LOCAL_STEPS = (CHUNK // 4, CHUNK)
_REMOTE_STEPS = (CHUNK, 4 * CHUNK)

# obstore's threads hand results to the event loop and let go of them a moment later. When the
# interpreter ends within that moment the process aborts (pyo3-async-runtimes issue 40).
atexit.register(time.sleep, 0.05)


class Storage:
    """Objects by key, in a folder (`file:///folder`) or a bucket.

    A bucket is `s3://bucket?endpoint=http://host:port&region=..&access_key=..&secret_key=..`;
    what is left out comes from the usual `AWS_*` environment variables.

    Every method raises `errors.Invalid` for a key that is not made of `A-Z a-z 0-9 . _ -` between
    slashes, and `errors.Unavailable` when the store cannot be reached or fails.
    """

    def __init__(self, url: str) -> None:
        """Raises ValueError for a bucket to which there is no access key."""
        parts = urlsplit(url)
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        self._store: ObjectStore
        if self._folder is not None:
            self._store = LocalStore(self._folder, mkdir=True, automatic_cleanup=True)
        else:
            self._address = Address(parts.netloc, parts.query)
            self._store = _bucket(self._address)

    @asynccontextmanager
    async def draft(
        self,
        key: str,
        state: str = "",
        size: int = 0,
        *,
        length: int | None = None,
        taken_over: bool = False,
    ) -> AsyncIterator[Draft]:
        """Write an object bit by bit, in one go or over days and processes.

        `state` and `size` are those of an earlier draft of the same key, after its last `keep`.
        `length` is the size that the object will have, if known; `taken_over` says that whoever
        wrote before may not have stopped.
        """
        checked(key)
        draft: Draft
        if self._folder is not None:
            draft = FolderDraft(self._folder, key, state, size)
        else:
            s3 = S3(self._address)
            draft = BucketDraft(s3, key, state, length=length, taken_over=taken_over)
        try:
            yield draft
        finally:
            await draft.close()

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> Stored:
        """Store what `chunks` yields, in place of what was there; visible only when whole.

        An exception of `chunks` passes through and leaves the key as it was; so does a cancelled
        call. Memory stays below some 50 MiB whatever the size.
        """
        size, digest = 0, hashlib.sha256()
        async with self.draft(key) as draft:
            try:
                async for chunk in chunks:
                    await asyncio.gather(
                        draft.append(chunk), asyncio.to_thread(digest.update, chunk)
                    )
                    size += len(chunk)
                await draft.finish()
            except BaseException:
                await draft.discard()
                raise
        return Stored(size, digest.hexdigest())

    async def put_file(self, key: str, path: Path) -> Stored:
        """Store a copy of a local file."""
        if self._folder is not None and (
            stored := await put_small(self._folder, checked(key), path)
        ):
            return stored
        async with aclosing(_chunks_of(path)) as chunks:
            return await self.put(key, chunks)

    async def read(
        self, key: str, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield bytes `start` (included) to `end` (excluded) in chunks of up to 1 MiB.

        An `end` behind the last byte is cut. Raises `errors.NotFound` at the first step when there
        is no such object.
        """
        size = (await self._head(key)).size
        end = size if end is None else min(end, size)
        slow, fast = _LOCAL_STEPS if self._folder is not None else _REMOTE_STEPS
        step = slow
        while start < end:
            with named_errors(key):
                block = await self._block(key, start, min(start + step, end))
            start += len(block)
            handed_over = monotonic()
            for at in range(0, len(block), CHUNK):
                yield bytes(block[at : at + CHUNK])
            step = next_step(slow, fast, len(block), monotonic() - handed_over)

    async def _block(self, key: str, start: int, end: int) -> bytes | memoryview:
        if self._folder is not None:
            if end - start <= _LOCAL_STEPS[0]:
                at_hand = part_at_hand(self._folder / key, start, end - start)
                if at_hand is not None:
                    return at_hand
            # The library's own way takes three times as long.
            return await asyncio.to_thread(part_of, self._folder / key, start, end - start)
        got = await obstore.get_range_async(self._store, key, start=start, end=end)
        return memoryview(got)

    async def fetch(self, key: str, path: Path) -> None:
        """Copy an object to the local file `path`; raises `errors.NotFound` when it is missing."""
        async with aclosing(self.read(key)) as chunks:
            first = await anext(chunks, b"")  # raises before a file is made
            file = await asyncio.to_thread(lambda: path.open("wb"))
            try:
                await asyncio.to_thread(file.write, first)
                async for chunk in chunks:
                    await asyncio.to_thread(file.write, chunk)
            finally:
                file.close()

    def local_path(self, key: str) -> Path | None:
        """Where the object lies as a local file; None when the storage is not a folder."""
        return None if self._folder is None else self._folder / checked(key)

    async def delete(self, key: str) -> None:
        """Delete an object and all that is left of its drafts; none is fine."""
        try:
            with named_errors(key):
                if self._folder is not None:
                    await asyncio.to_thread(delete_parts, self._folder / checked(key))
                else:
                    await self._delete_uploads(checked(key))
                await obstore.delete_async(self._store, key)
        except NotFound:
            return

    async def list(self, prefix: str) -> AsyncGenerator[Entry, None]:
        """Yield what lies under the folder `prefix` (`a/b` has `a/b/c`, not `a/bc`), in any order.

        An empty prefix means everything.
        """
        async for entry in self._listed(prefix):
            if not entry.key.startswith(f"{HALVES}/"):
                yield entry

    async def halves(self, prefix: str) -> AsyncGenerator[Entry, None]:
        """Yield what is half-written under the folder `prefix`, by the keys that it is for.

        One draft may come twice. `modified` is when it was last kept or, in a bucket, begun.
        """
        if self._folder is not None:
            with named_errors(prefix):
                found = await asyncio.to_thread(
                    lambda folder: [*parts_below(folder, checked(prefix))], self._folder
                )
            for entry in found:
                yield entry
            return
        async for entry in self._listed(f"{HALVES}/{prefix}"):
            yield Entry(entry.key.removeprefix(f"{HALVES}/"), entry.size, entry.modified)
        async with self._s3() as s3:
            async for entry, _ in s3.uploads(f"{checked(prefix)}/"):
                yield entry

    async def size(self, key: str) -> int | None:
        """Return an object's size in bytes; None when there is none."""
        try:
            return (await self._head(key)).size
        except NotFound:
            return None

    async def exists(self, key: str) -> bool:
        """Whether an object is there."""
        return await self.size(key) is not None

    async def _head(self, key: str) -> Entry:
        if self._folder is not None:
            # The library's own way, by a thread, takes ten times as long.
            with named_errors(key):
                return facts_of(self._folder, checked(key))
        with named_errors(key):
            meta = await obstore.head_async(self._store, checked(key))
        return Entry(key, meta["size"], meta["last_modified"].astimezone(UTC))

    async def _listed(self, prefix: str) -> AsyncGenerator[Entry, None]:
        with named_errors(prefix):
            async for batch in obstore.list(self._store, checked(prefix) if prefix else None):
                for meta in batch:
                    yield Entry(meta["path"], meta["size"], meta["last_modified"].astimezone(UTC))

    @asynccontextmanager
    async def _s3(self) -> AsyncIterator[S3]:
        s3 = S3(self._address)
        try:
            yield s3
        finally:
            await s3.close()

    async def _delete_uploads(self, key: str) -> None:
        async with self._s3() as s3:
            async for entry, upload_id in s3.uploads(key):
                if entry.key == key:
                    await s3.abort(key, upload_id)
            await s3.delete(f"{HALVES}/{key}")


async def _chunks_of(path: Path) -> AsyncGenerator[bytes, None]:
    file = await asyncio.to_thread(lambda: path.open("rb"))
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
    finally:
        file.close()


def _bucket(address: Address) -> S3Store:
    config: S3Config = {
        "endpoint": address.endpoint,
        "region": address.region,
        "access_key_id": address.credentials.access_key,
        "secret_access_key": address.credentials.secret_key,
    }
    if address.credentials.token:
        config["session_token"] = address.credentials.token
    return S3Store(
        address.name,
        config=config,
        client_options={
            "allow_http": address.endpoint.startswith("http:"),
            "connect_timeout": "5s",
            "timeout": "60s",
        },
        # The library would try for three minutes; a caller wants to hear of trouble before that.
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=15)},
    )
