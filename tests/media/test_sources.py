"""Sources on their way into items: from where, how far, and safe from those who read them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from services.chassis.clients import Clients
from services.chassis.outside import OutsideFailed, OutsideRefused
from services.chassis.storage import Storage
from services.media.operations import Source
from services.media.sandbox import Ears, Failure, Order, Outcome, Sandbox, Success
from services.media.worker.attempt import Attempts
from services.media.worker.sources import Sources
from services.media.worker.stores import Stores
from tests.kit.servers import free_port
from tests.kit.webserver import Server, answer, endless
from tests.media import kinds
from tests.media.bench import settings_for
from tests.media.material import SIDEWAYS, unheard
from vitascope.media.v1.internal_pb2_grpc import StoreServiceStub
from vitascope.tasks.v2.specs_pb2 import ImageInfoSpec
from vitascope.work.v1 import work_pb2
from vitascope.work.v1.work_pb2 import Assignment, Lease


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server().running() as running:
        running.answers["/a.txt"] = [
            answer(b"mine", etag='"v1"', content_type="text/plain"),
            answer(status="304 Not Modified"),
        ]
        running.answers["/b.txt"] = answer(b"more")
        yield running


@pytest.fixture
async def sources(tmp_path: Path) -> AsyncIterator[Sources]:
    settings = settings_for(tmp_path, free_port())
    clients = Clients(settings, "worker")
    store, storage = clients.stub(StoreServiceStub), Storage(settings.storage_url)
    yield Sources(settings, storage, store, tmp_path / "kept")
    await clients.close()


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(tmp_path / "sandbox", 1, kinds.PROGRAM)
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


async def test_which_of_several_sources_is_missing_is_told(
    server: Server, sources: Sources, tmp_path: Path
) -> None:
    server.answers["/gone"] = answer(status="404 Not Found")
    server.answers["/busy"] = answer(status="503 Busy", retry_after="7")
    there, gone, busy = (
        Source(name, url=server.url(f"/{name}")) for name in ("b.txt", "gone", "busy")
    )
    with pytest.raises(OutsideRefused, match=r"^Source 2 of 2: .*404"):
        await sources.bring("account", [there, gone], tmp_path, unheard)
    with pytest.raises(OutsideFailed, match=r"^Source 1 of 2: .*503") as failed:
        await sources.bring("account", [busy, there], tmp_path, unheard)
    assert failed.value.retry_after == 7
    with pytest.raises(OutsideRefused, match=r"^(?!Source).*404"):
        await sources.bring("account", [gone], tmp_path, unheard)


async def test_progress_is_that_of_all_sources(
    server: Server, sources: Sources, tmp_path: Path
) -> None:
    wanted = [Source("one", url=server.url("/a.txt")), Source("two", url=server.url("/b.txt"))]
    parts: list[float] = []
    files = await sources.bring("ACCOUNT", wanted, tmp_path, parts.append)
    assert parts == [0.5, 1.0]
    assert (files["one"].file_name, files["one"].content_type) == ("a.txt", "text/plain")
    assert [files[name].path.read_bytes() for name in ("one", "two")] == [b"mine", b"more"]


async def test_four_sources_of_an_item_are_read_at_once(
    server: Server, sources: Sources, tmp_path: Path
) -> None:
    asking, most, together = 0, 0, asyncio.Event()

    async def say(writer: asyncio.StreamWriter) -> None:
        nonlocal asking, most
        asking += 1
        most = max(most, asking)
        if asking == 4:
            together.set()
        await together.wait()
        asking -= 1
        writer.write(answer(b"text"))

    names = [f"/{number}" for number in range(9)]
    server.answers |= dict.fromkeys(names, say)
    heard: list[float] = []
    wanted = [Source(name, url=server.url(name)) for name in names]
    async with asyncio.timeout(20):
        files = await sources.bring("ACCOUNT", wanted, tmp_path, heard.append)
    assert most == 4
    assert list(files) == names
    assert heard == pytest.approx([number / 9 for number in range(1, 10)])


async def test_the_first_source_that_fails_ends_the_others(
    server: Server, sources: Sources, tmp_path: Path
) -> None:
    begun, left = asyncio.Event(), asyncio.Event()

    async def for_ever(writer: asyncio.StreamWriter) -> None:
        begun.set()
        try:
            await endless(b"x" * 1000, answer(content_length=str(1 << 30)))(writer)
        finally:
            left.set()

    async def gone(writer: asyncio.StreamWriter) -> None:
        await begun.wait()
        writer.write(answer(status="404 Not Found"))

    server.answers |= {"/for-ever": for_ever, "/gone": gone}
    paths = ("/for-ever", "/b.txt", "/gone")
    wanted = [Source(path, url=server.url(path)) for path in paths]
    async with asyncio.timeout(20):
        with pytest.raises(OutsideRefused, match=r"^Source 3 of 3: .*404"):
            await sources.bring("ACCOUNT", wanted, tmp_path, unheard)
        await left.wait()


@pytest.fixture
def attempts(sources: Sources, sandbox: Sandbox, tmp_path: Path) -> Attempts:
    # None of these attempts comes to outputs.
    stores = Stores(None, None)  # type: ignore[arg-type]
    return Attempts(tmp_path / "attempts", sources, sandbox, stores)


def info(url: str) -> Assignment:
    """An assignment to look at a picture."""
    spec = ImageInfoSpec(url=url).SerializeToString()
    lease = Lease(item_id="ITEM", attempt=1)
    return Assignment(lease=lease, kind="image.info", spec=spec, account_id="ACCOUNT")


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (
            answer(status="503 Away", retry_after="120"),
            {"retryable": True, "retry_after_seconds": 120, "message": "status 503"},
        ),
        (answer(b"x", content_length="2"), {"retryable": True, "message": "broke off"}),
        (answer(status="404 Gone"), {"retryable": False, "message": "status 404"}),
    ],
)
async def test_an_attempt_says_whether_and_when_to_try_again(
    server: Server, attempts: Attempts, said: bytes, failure: dict[str, Any]
) -> None:
    server.answers["/"] = said
    ended = await attempts.make(
        info(server.url()), Ears(unheard, lambda state: None, lambda known: None)
    )
    assert isinstance(ended, work_pb2.Failure)
    assert failure.pop("message") in ended.message
    assert {name: getattr(ended, name) for name in failure} == failure


async def test_an_items_progress_begins_with_its_sources(
    server: Server, attempts: Attempts
) -> None:
    picture = SIDEWAYS.read_bytes()
    server.answers["/"] = answer(picture)
    heard: list[float] = []
    ended = await attempts.make(
        info(server.url()), Ears(heard.append, lambda state: None, lambda known: None)
    )
    assert isinstance(ended, work_pb2.Success)
    assert heard[0] == 10


@pytest.mark.parametrize(
    ("attack", "error"),
    [
        ("write_source", "PermissionError"),
        # As between file systems, says Landlock.
        ("relink_source", "OSError"),
        ("unprotect_source", "PermissionError"),
    ],
)
async def test_no_item_can_change_what_another_will_read(
    server: Server, sources: Sources, sandbox: Sandbox, tmp_path: Path, attack: str, error: str
) -> None:
    """Both have a hard link to the same bytes."""

    async def item(number: int, kind: str) -> Outcome:
        folder = tmp_path / str(number)
        await asyncio.to_thread(folder.mkdir)
        wanted = [Source("text", url=server.url("/a.txt"))]
        files = await sources.bring("ACCOUNT", wanted, folder, lambda part: None)
        order = Order(
            "ACCOUNT", f"test.{kind}", StringValue().SerializeToString(), files, kinds.LIMITS
        )
        ears = Ears(lambda percent: None, lambda state: None, lambda known: None)
        return await sandbox.run(order, folder / "made", ears)

    assert await item(1, attack) == Failure(f"could not be processed ({error})")
    read = await item(2, "read_source")
    assert isinstance(read, Success)
    assert StringValue.FromString(read.result).value == "mine"
    assert "if-none-match" in server.requests[1]
