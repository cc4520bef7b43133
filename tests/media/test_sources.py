"""Sources on their way into items: from where, how far, and safe from those who read them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from services.chassis.clients import Clients
from services.chassis.storage import Storage
from services.media.operations import Source
from services.media.sandbox import Ears, Failure, Order, Sandbox, Success
from services.media.worker.sources import Sources
from tests.kit.servers import free_port
from tests.media import kinds
from tests.media.test_worker import settings_for
from tests.media.webserver import Server, answer
from vitascope.media.v1.internal_pb2_grpc import StoreServiceStub


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


async def test_progress_is_that_of_all_sources(
    server: Server, sources: Sources, tmp_path: Path
) -> None:
    wanted = [Source("one", url=server.url("/a.txt")), Source("two", url=server.url("/b.txt"))]
    parts: list[float] = []
    files = await sources.bring("ACCOUNT", wanted, tmp_path, parts.append)
    assert parts == [0.5, 1.0]
    assert (files["one"].file_name, files["one"].content_type) == ("a.txt", "text/plain")
    assert [files[name].path.read_bytes() for name in ("one", "two")] == [b"mine", b"more"]


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

    async def item(number: int, kind: str) -> Success | Failure:
        folder = tmp_path / str(number)
        await asyncio.to_thread(folder.mkdir)
        wanted = [Source("text", url=server.url("/a.txt"))]
        files = await sources.bring("ACCOUNT", wanted, folder, lambda part: None)
        order = Order(
            "ACCOUNT", f"test.{kind}", StringValue().SerializeToString(), files, kinds.LIMITS
        )
        ears = Ears(lambda percent: None, lambda state: None)
        return await sandbox.run(order, folder / "made", ears)

    assert await item(1, attack) == Failure(f"could not be processed ({error})")
    read = await item(2, "read_source")
    assert isinstance(read, Success)
    assert StringValue.FromString(read.result).value == "mine"
    assert "if-none-match" in server.requests[1]
