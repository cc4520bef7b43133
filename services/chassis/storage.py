"""The one door to stored bytes: a local folder or an S3 bucket, by URL.

Objects have keys such as `videos/ab12/original` and are whole or absent, never half. Content
types and ETags are kept in the database: a folder has no place for them.
"""

import asyncio
import atexit
import hashlib
import os
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from services.chassis.errors import Invalid, NotFound, Unavailable

if TYPE_CHECKING:
    from obstore.store import S3Config

CHUNK = 2**20
"""Bytes in one chunk of `Storage.read`."""

# S3 takes 10,000 parts an object, so 16 MiB parts hold 156 GiB; two are in flight.
_PART = 16 * CHUNK
# A folder gains nothing by large pieces, and every MiB counts against the process.
_LOCAL_PART = 4 * CHUNK
_PARTS_IN_FLIGHT = 2
# How long a cancelled write may take to notice that nothing more will come.
_CALL_OFF_SECONDS = 5.0
# One request to S3 costs some 10 ms wherever it is, so ask for more at a time than from a disk.
_REMOTE_RANGE = 8 * CHUNK

# The letters that every store spells the same; it also keeps `..` and temporary files out.
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")

# obstore's threads hand results to the event loop and let go of them a moment later. When the
# interpreter ends within that moment the process aborts (pyo3-async-runtimes issue 40).
atexit.register(time.sleep, 0.05)


@dataclass(frozen=True)
class Stored:
    """What was written: size in bytes and SHA-256 in lower-case hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """A stored object as listed: size in bytes, time of the last write in UTC."""

    key: str
    size: int
    modified: datetime


class Storage:
    """Objects by key, in a folder (`file:///folder`) or a bucket.

    A bucket is `s3://bucket?endpoint=http://host:port&region=..&access_key=..&secret_key=..`;
    what is left out comes from the usual `AWS_*` environment variables.

    Every method raises `errors.Invalid` for a key that is not made of `A-Z a-z 0-9 . _ -` between
    slashes, and `errors.Unavailable` when the store cannot be reached or fails.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        self._store: ObjectStore
        if self._folder is not None:
            self._store = LocalStore(self._folder, mkdir=True, automatic_cleanup=True)
        else:
            self._store = _bucket(parts.netloc, parts.query)

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> Stored:
        """Store what `chunks` yields, in place of what was there; visible only when whole.

        An exception of `chunks` passes through and leaves the key as it was; so does a cancelled
        call. Memory stays below some 50 MiB whatever the size.
        """
        tap = _Tap(chunks)
        try:
            with _named_errors(key):
                putting = asyncio.ensure_future(
                    obstore.put_async(
                        self._store,
                        _checked(key),
                        tap.stream(),
                        chunk_size=_PART if self._folder is None else _LOCAL_PART,
                        max_concurrency=_PARTS_IN_FLIGHT,
                    )
                )
                await _finished(putting, tap)
        except Exception:
            if tap.failure is not None:
                raise tap.failure from None
            raise
        return Stored(tap.size, tap.digest.hexdigest())

    async def put_file(self, key: str, path: Path) -> Stored:
        """Store a copy of a local file."""
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
        step = CHUNK if self._folder is not None else _REMOTE_RANGE
        for offset in range(start, end, step):
            with _named_errors(key):
                block = await obstore.get_range_async(
                    self._store, key, start=offset, end=min(offset + step, end)
                )
            view = memoryview(block)
            for at in range(0, len(view), CHUNK):
                yield bytes(view[at : at + CHUNK])

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
        return None if self._folder is None else self._folder / _checked(key)

    async def delete(self, key: str) -> None:
        """Delete an object and what a killed process left of a half-written one; none is fine."""
        try:
            with _named_errors(key):
                if self._folder is not None:
                    await asyncio.to_thread(_delete_parts, self._folder / _checked(key))
                await obstore.delete_async(self._store, _checked(key))
        except NotFound:
            return

    async def delete_halves(self, prefix: str, before: datetime) -> None:
        """Delete half-written objects under the folder `prefix` last written to before then.

        Only a killed process leaves them. A bucket keeps such parts of its own accord, unseen:
        give it a lifecycle rule that aborts incomplete multipart uploads.
        """
        if self._folder is not None:
            with _named_errors(prefix):
                await asyncio.to_thread(
                    _delete_parts_below, self._folder / _checked(prefix), before
                )

    async def list(self, prefix: str) -> AsyncGenerator[Entry, None]:
        """Yield what lies under the folder `prefix` (`a/b` has `a/b/c`, not `a/bc`), in any order.

        An empty prefix means everything.
        """
        with _named_errors(prefix):
            async for batch in obstore.list(self._store, _checked(prefix) if prefix else None):
                for meta in batch:
                    yield Entry(meta["path"], meta["size"], meta["last_modified"].astimezone(UTC))

    async def exists(self, key: str) -> bool:
        """Whether an object is there."""
        try:
            await self._head(key)
        except NotFound:
            return False
        return True

    async def _head(self, key: str) -> Entry:
        with _named_errors(key):
            meta = await obstore.head_async(self._store, _checked(key))
        return Entry(key, meta["size"], meta["last_modified"].astimezone(UTC))


class _Tap:
    """Hashes and counts a stream on its way, and remembers why it broke off."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.size = 0
        self.digest = hashlib.sha256()
        self.failure: Exception | None = None
        self.called_off = False

    async def stream(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                self.size += len(chunk)
                self.digest.update(chunk)
                yield chunk
            if self.called_off:
                # A clean end would have the store keep what came so far.
                raise ConnectionAbortedError("the write was called off")
        except Exception as error:
            # The store wraps it in an error of its own, which would hide what happened.
            self.failure = error
            raise


async def _finished(putting: "asyncio.Future[obstore.PutResult]", tap: _Tap) -> None:
    """Wait for a write. When the caller is cancelled, first see the write fail.

    The library goes on for a moment after it is cancelled, and may write the object after all.
    """
    try:
        await asyncio.shield(putting)
    except asyncio.CancelledError:
        tap.called_off = True
        await asyncio.wait({putting}, timeout=_CALL_OFF_SECONDS)
        putting.cancel()
        if putting.done() and not putting.cancelled():
            putting.exception()  # nobody else asks for it
        raise


def _delete_parts(path: Path) -> None:
    # The library writes `key#1` and renames it.
    for part in path.parent.glob(f"{path.name}#*"):
        part.unlink(missing_ok=True)


def _delete_parts_below(folder: Path, before: datetime) -> None:
    for parent, _, names in os.walk(folder):
        for part in (Path(parent, name) for name in names if "#" in name):
            with suppress(FileNotFoundError):
                if part.stat().st_mtime < before.timestamp():
                    part.unlink()


async def _chunks_of(path: Path) -> AsyncGenerator[bytes, None]:
    file = await asyncio.to_thread(lambda: path.open("rb"))
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
    finally:
        file.close()


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise Invalid(f"Not a storage key: {key!r}.")
    return key


@contextmanager
def _named_errors(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"There is nothing stored at {key}.") from error
    except (BaseError, OSError) as error:
        raise Unavailable("The storage is not available.", retry_after=1.0) from error


def _bucket(name: str, query: str) -> S3Store:
    options = {key: values[-1] for key, values in parse_qs(query).items()}
    config: S3Config = {}
    if "endpoint" in options:
        config["endpoint"] = options["endpoint"]
    if "region" in options:
        config["region"] = options["region"]
    if "access_key" in options:
        config["access_key_id"] = options["access_key"]
        config["secret_access_key"] = options["secret_key"]
    return S3Store(
        name,
        config=config,
        client_options={
            "allow_http": options.get("endpoint", "").startswith("http:"),
            "connect_timeout": "5s",
            "timeout": "60s",
        },
        # The library would try for three minutes; a caller wants to hear of trouble before that.
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=15)},
    )
