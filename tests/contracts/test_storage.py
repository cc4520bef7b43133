"""What a folder and a bucket must both do."""

import asyncio
import errno
import hashlib
import itertools
import os
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest

from services.chassis.database import now
from services.chassis.errors import Invalid, NotFound, Unavailable
from services.chassis.storage import CHUNK, Storage, Stored
from services.chassis.storage import store as store_module
from services.chassis.storage.s3 import S3

MEBIBYTE = 2**20


@pytest.fixture
def folder() -> str:
    """A prefix that no other test uses."""
    return uuid4().hex


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def whole(storage: Storage, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in storage.read(key, start, end)])


async def listed(storage: Storage, prefix: str) -> list[str]:
    return sorted([entry.key async for entry in storage.list(prefix)])


async def test_what_is_put_can_be_read(storage: Storage, folder: str) -> None:
    stored = await storage.put(f"{folder}/a.mov", stream(b"one ", b"two"))
    assert stored == Stored(7, hashlib.sha256(b"one two").hexdigest())
    assert await whole(storage, f"{folder}/a.mov") == b"one two"
    assert await storage.exists(f"{folder}/a.mov")


async def test_an_empty_object_is_an_object(storage: Storage, folder: str) -> None:
    stored = await storage.put(f"{folder}/empty", stream())
    assert stored == Stored(0, hashlib.sha256().hexdigest())
    assert await whole(storage, f"{folder}/empty") == b""
    assert await storage.exists(f"{folder}/empty")


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, None), (0, 1), (5, 9), (CHUNK - 1, CHUNK + 1), (3_000_000, None), (2, 10**9), (7, 7)],
)
async def test_ranges(storage: Storage, folder: str, start: int, end: int | None) -> None:
    content = bytes(range(251)) * 13_000  # 3.1 MiB, and no chunk is like another
    await storage.put(f"{folder}/a", stream(content))
    assert await whole(storage, f"{folder}/a", start, end) == content[start:end]


async def test_chunks_are_small(storage: Storage, folder: str) -> None:
    await storage.put(f"{folder}/a", stream(bytes(3 * CHUNK + 5)))
    sizes = [len(chunk) async for chunk in storage.read(f"{folder}/a")]
    assert sum(sizes) == 3 * CHUNK + 5
    assert max(sizes) <= CHUNK


async def test_little_waits_for_a_slow_reader(
    storage: Storage, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.put(f"{folder}/a", stream(bytes(3 * CHUNK + 5)))
    moments = itertools.count()
    monkeypatch.setattr(store_module, "monotonic", lambda: float(next(moments)))
    slow = [len(chunk) async for chunk in storage.read(f"{folder}/a")]
    assert sum(slow) == 3 * CHUNK + 5
    asked = CHUNK // 4 if storage.local_path(f"{folder}/a") else CHUNK
    assert set(slow[:-1]) == {asked}


async def test_a_second_put_replaces(storage: Storage, folder: str) -> None:
    await storage.put(f"{folder}/a", stream(b"a long first version"))
    await storage.put(f"{folder}/a", stream(b"second"))
    assert await whole(storage, f"{folder}/a") == b"second"


async def test_nothing_shows_before_the_end(storage: Storage, folder: str) -> None:
    written, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield bytes(20 * MEBIBYTE)  # more than one part of a multipart upload
        written.set()
        await go_on.wait()
        yield b"end"

    task = asyncio.create_task(storage.put(f"{folder}/a", slow()))
    await written.wait()
    assert not await storage.exists(f"{folder}/a")
    assert await listed(storage, folder) == []
    go_on.set()
    assert (await task).size == 20 * MEBIBYTE + 3
    assert await storage.exists(f"{folder}/a")


async def test_a_broken_stream_changes_nothing(storage: Storage, folder: str) -> None:
    class Broken(Exception):
        pass

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(20 * MEBIBYTE)
        raise Broken("the client left")

    await storage.put(f"{folder}/a", stream(b"first"))
    with pytest.raises(Broken, match="the client left"):
        await storage.put(f"{folder}/a", broken())
    assert await whole(storage, f"{folder}/a") == b"first"
    with pytest.raises(Broken):
        await storage.put(f"{folder}/b", broken())
    assert await listed(storage, folder) == [f"{folder}/a"]


async def test_a_cancelled_put_leaves_nothing(storage: Storage, folder: str) -> None:
    written = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield bytes(20 * MEBIBYTE)
        written.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(storage.put(f"{folder}/a", endless()))
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await storage.exists(f"{folder}/a")
    assert await listed(storage, folder) == []


async def test_a_cancelled_put_whose_stream_ends_leaves_nothing(
    storage: Storage, folder: str
) -> None:
    written, ended = asyncio.Event(), asyncio.Event()

    async def ending() -> AsyncIterator[bytes]:
        yield bytes(MEBIBYTE)
        written.set()
        await ended.wait()

    task = asyncio.create_task(storage.put(f"{folder}/a", ending()))
    await written.wait()
    task.cancel()
    ended.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await storage.exists(f"{folder}/a")


async def test_deleting(storage: Storage, folder: str) -> None:
    await storage.put(f"{folder}/a", stream(b"x"))
    await storage.delete(f"{folder}/a")
    assert not await storage.exists(f"{folder}/a")
    await storage.delete(f"{folder}/a")  # a missing one is fine


async def test_what_is_missing_is_not_found(storage: Storage, folder: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await whole(storage, f"{folder}/nothing")
    with pytest.raises(NotFound):
        await storage.fetch(f"{folder}/nothing", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


async def test_listing_goes_by_folders(storage: Storage, folder: str) -> None:
    for name in ("a/1", "a/b/2", "ab/3"):
        await storage.put(f"{folder}/{name}", stream(b"12345"))
    assert await listed(storage, f"{folder}/a") == [f"{folder}/a/1", f"{folder}/a/b/2"]
    assert await listed(storage, f"{folder}/none") == []
    entry = await anext(storage.list(f"{folder}/ab"))
    assert (entry.key, entry.size) == (f"{folder}/ab/3", 5)
    assert abs(now() - entry.modified) < timedelta(minutes=2)


async def test_local_files_go_in_and_out(storage: Storage, folder: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 12_000
    (tmp_path / "in").write_bytes(content)
    stored = await storage.put_file(f"{folder}/a", tmp_path / "in")
    assert stored == Stored(len(content), hashlib.sha256(content).hexdigest())
    await storage.fetch(f"{folder}/a", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == content


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/", ".a", "a b"])
async def test_odd_keys_are_refused(storage: Storage, key: str) -> None:
    with pytest.raises(Invalid):
        await whole(storage, key)
    with pytest.raises(Invalid):
        await storage.put(key, stream(b"x"))


async def test_memory_stays_flat(storage: Storage, folder: str) -> None:
    size, process = 256 * MEBIBYTE, psutil.Process()
    peak = before = process.memory_info().rss

    async def source() -> AsyncIterator[bytes]:
        nonlocal peak
        chunk = bytes(MEBIBYTE)
        for _ in range(size // MEBIBYTE):
            peak = max(peak, process.memory_info().rss)
            yield chunk

    stored = await storage.put(f"{folder}/big", source())
    assert stored.size == size
    read = 0
    async for chunk in storage.read(f"{folder}/big"):
        read += len(chunk)
        peak = max(peak, process.memory_info().rss)
    await storage.delete(f"{folder}/big")
    assert read == size
    assert peak - before < 128 * MEBIBYTE


async def half_names(storage: Storage, folder: str) -> set[str]:
    return {entry.key async for entry in storage.halves(folder)}


@pytest.mark.parametrize("step", [700_001, 3 * MEBIBYTE, 6 * MEBIBYTE, 11 * MEBIBYTE])
async def test_an_object_grows_over_many_drafts(storage: Storage, folder: str, step: int) -> None:
    """As when every piece is written by another process."""
    key, content = f"{folder}/a", os.urandom(17 * MEBIBYTE)[: 24 * step]
    state, size = "", 0
    while size < len(content):
        async with storage.draft(key, state, size, length=len(content)) as draft:
            await draft.append(content[size : size + step])
            await draft.keep()
            assert draft.size == min(size + step, len(content))
            state, size = draft.state, draft.size
        assert await storage.size(key) is None
        assert await listed(storage, folder) == []
        assert await half_names(storage, folder) == {key}
    async with storage.draft(key, state, size, length=len(content)) as draft:
        await draft.finish()
    assert await whole(storage, key) == content
    assert await half_names(storage, folder) == set()


async def test_what_was_not_kept_counts_for_nothing(storage: Storage, folder: str) -> None:
    key, part = f"{folder}/a", os.urandom(6 * MEBIBYTE)
    async with storage.draft(key) as draft:
        await draft.append(part)
        await draft.keep()
        state, size = draft.state, draft.size
        await draft.append(bytes(12 * MEBIBYTE))
    async with storage.draft(key, state, size) as draft:
        await draft.append(b"the end")
        await draft.finish()
    assert await whole(storage, key) == part + b"the end"


async def test_a_writer_that_lost_its_draft_spoils_nothing(storage: Storage, folder: str) -> None:
    """It still sends when another process has taken over."""
    key, part = f"{folder}/a", os.urandom(6 * MEBIBYTE)
    async with storage.draft(key) as lost:
        await lost.append(part)
        await lost.keep()
        async with storage.draft(key, lost.state, lost.size, taken_over=True) as draft:
            await draft.append(part[::-1])
            await draft.keep()
            if storage.local_path(key) is None:  # files have one writer, by the caller's leave
                await lost.append(bytes(6 * MEBIBYTE))
                await lost.keep()
            await draft.finish()
    assert await whole(storage, key) == part + part[::-1]


async def test_a_discarded_draft_leaves_nothing(storage: Storage, folder: str) -> None:
    key = f"{folder}/a"
    async with storage.draft(key) as draft:
        await draft.append(os.urandom(7 * MEBIBYTE))
        await draft.keep()
        await draft.append(b"more")
        await draft.keep()
        await draft.discard()
    assert await half_names(storage, folder) == set()


async def test_deleting_ends_what_is_half_written(storage: Storage, folder: str) -> None:
    for name, size in (("small", 1000), ("large", 7 * MEBIBYTE)):
        async with storage.draft(f"{folder}/{name}") as draft:
            await draft.append(bytes(size))
            await draft.keep()
    assert await half_names(storage, folder) == {f"{folder}/small", f"{folder}/large"}
    halves = [entry async for entry in storage.halves(folder)]
    assert all(abs(now() - entry.modified) < timedelta(minutes=2) for entry in halves)
    for name in ("small", "large"):
        await storage.delete(f"{folder}/{name}")
    assert await half_names(storage, folder) == set()


async def test_a_damaged_part_is_not_stored(
    s3_url: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server compares what it got with the checksum that came along."""
    storage, send = Storage(s3_url), httpx.AsyncClient.request
    parts = 0

    async def damaging(self: httpx.AsyncClient, method: str, url: str, **kwargs: Any) -> Any:
        nonlocal parts
        if "partNumber" in url:
            parts += 1
            if parts == 2:
                whole = b"".join([piece async for piece in kwargs["content"]])
                kwargs["content"] = whole[:-1] + b"!"
        return await send(self, method, url, **kwargs)

    monkeypatch.setattr(httpx.AsyncClient, "request", damaging)
    with pytest.raises(Unavailable):
        await storage.put(f"{folder}/a", stream(*[os.urandom(MEBIBYTE)] * 16))
    assert parts >= 2
    assert await listed(storage, folder) == []
    assert await half_names(storage, folder) == set()


async def test_an_object_of_another_size_is_not_stored(
    s3_url: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(s3_url)

    async def size(self: S3, key: str) -> int:
        return 3

    monkeypatch.setattr(S3, "size", size)
    for content in (b"four", os.urandom(6 * MEBIBYTE)):
        with pytest.raises(Unavailable):
            await storage.put(f"{folder}/a", stream(content))
        assert await listed(storage, folder) == []


async def test_a_part_is_sent_again_when_the_answer_was_lost(
    s3_url: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the completion, of which the server knows no more when it is asked again."""
    storage, send = Storage(s3_url), httpx.AsyncClient.request
    lost: set[str] = set()

    async def losing(self: httpx.AsyncClient, method: str, url: str, **kwargs: Any) -> Any:
        answer = await send(self, method, url, **kwargs)
        kind = f"{method} {url.partition('?')[2][:8]}"
        if kind not in lost and method != "GET":
            lost.add(kind)
            raise httpx.ReadError("the connection broke")
        return answer

    monkeypatch.setattr(httpx.AsyncClient, "request", losing)
    content = os.urandom(12 * MEBIBYTE)
    await storage.put(f"{folder}/a", stream(content))
    assert {"PUT partNumb", "POST uploads=", "POST uploadId"} <= lost
    assert await whole(storage, f"{folder}/a") == content


async def test_a_folder_syncs_before_it_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file before it gets its name, and then the names of the file and its new folders."""
    storage, synced, fsync = Storage(f"file://{tmp_path}/store"), [], os.fsync

    def noted(number: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{number}").readlink()).partition("#")[0])
        fsync(number)

    monkeypatch.setattr(os, "fsync", noted)
    await storage.put("a/b/c", stream(b"x"))
    top = tmp_path / "store"
    assert synced == [str(path) for path in (top / "a/b/c", top / "a/b", top / "a", top)]


async def test_a_folder_shows_its_files(tmp_path: Path) -> None:
    storage = Storage(f"file://{tmp_path}/media")
    await storage.put("a/b", stream(b"x"))
    path = storage.local_path("a/b")
    assert path == tmp_path / "media" / "a" / "b"
    assert path.read_bytes() == b"x"
    await storage.delete("a/b")
    assert list((tmp_path / "media").iterdir()) == []  # no empty folders either


async def test_a_folder_of_objects_is_no_object(tmp_path: Path) -> None:
    storage = Storage(f"file://{tmp_path}/media")
    await storage.put("a/b", stream(b"x"))
    assert await storage.size("a") is None
    assert await storage.size("a/b/c") is None
    with pytest.raises(NotFound):
        await whole(storage, "a")


@pytest.mark.parametrize("missing", [errno.EAGAIN, errno.EOPNOTSUPP])
async def test_what_is_not_in_memory_is_waited_for_in_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: int
) -> None:
    storage, threads = Storage(f"file://{tmp_path}/media"), []
    await storage.put("a/b", stream(b"some bytes"))
    pread = os.pread

    def noted(number: int, length: int, start: int) -> bytes:
        threads.append(threading.current_thread() is not threading.main_thread())
        return pread(number, length, start)

    def away(*_: object) -> int:
        raise OSError(missing, "not now")

    monkeypatch.setattr(os, "pread", noted)
    assert await whole(storage, "a/b", 5) == b"bytes"
    assert threads in ([], [True])  # written just now, it may have left memory all the same
    monkeypatch.setattr(os, "preadv", away)
    assert await whole(storage, "a/b", 5) == b"bytes"
    assert threads[-1:] == [True]


async def test_a_bucket_has_no_files(s3_url: str) -> None:
    assert Storage(s3_url).local_path("a/b") is None
