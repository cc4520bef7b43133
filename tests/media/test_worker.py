"""A worker between a ledger and a media service that do as they are told."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue

from services.chassis.errors import Conflict, Invalid, Unavailable, VitascopeError
from services.chassis.settings import Settings
from services.media import operations
from services.media.worker import attempt
from tests.kit.servers import free_port
from tests.kit.waiting import wait_for_async
from tests.kit.web import served
from tests.media import kinds
from tests.media.bench import LEASE, Bench, TestStorage, a_bench, settings_for, working
from tests.media.ledger import FakeLedger, FakeStore, serving
from vitascope.media.v1 import internal_pb2
from vitascope.media.v1.operations_pb2 import VideoProcessSpec
from vitascope.tasks.v2.specs_pb2 import ImageInfoSpec, ImageThumbResult, ImageThumbSpec
from vitascope.work.v1.work_pb2 import Lease, PartResult

OTHER = Lease(item_id="OTHER", attempt=3)
THIRD = Lease(item_id="THIRD", attempt=1)
TEXT = StringValue()
# An answer whose result message is none.
ILL_FORMED = b'\0\0\0\x21{"result": "////", "outputs": []}'


@pytest.fixture(autouse=True)
def _test_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "REGISTRY", operations.REGISTRY)
    kinds.register()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "cat.jpg").write_bytes(b"meow")
    with served(folder) as address:
        yield address


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(tmp_path) as bench:
        yield bench


async def test_a_task_from_address_to_committed_output(bench: Bench, web: str) -> None:
    end = await bench.end("test.copy", ImageThumbSpec(url=f"{web}/cat.jpg"))
    [commit] = bench.store.commits
    [output] = commit.outputs
    assert (commit.item_id, commit.attempt) == ("ITEM", 1)
    assert commit.destination.account.account_id == "ACCOUNT"
    assert re.fullmatch(r"dragon-test\.copy-[A-Za-z0-9]{6}", output.file_name)
    assert (output.name, output.size, output.content_type) == ("output", 4, "text/plain")
    assert output.storage_key == "work/ITEM/1/output"
    assert b"".join([chunk async for chunk in bench.storage.read(output.storage_key)]) == b"meow"
    result = ImageThumbResult.FromString(end.success.result)
    assert (result.width, result.output) == (3, f"ACCOUNT/KEY/{output.file_name}")
    assert all(percent < 100 for percent in bench.ledger.progress(LEASE))


@pytest.mark.parametrize("is_remote", [False, True])
async def test_a_video_from_original_to_processed(bench: Bench, is_remote: bool) -> None:
    bench.storage.is_remote = is_remote

    async def film() -> AsyncIterator[bytes]:
        yield b"film"

    await bench.storage.put("videos/v1", film())
    bench.store.media["v1"] = internal_pb2.StoredMedia(storage_key="videos/v1")
    place = internal_pb2.VideoDestination(video_id="v2")
    bench.ledger.assign(
        "test.process",
        VideoProcessSpec(source_video_id="v1", video_id="v2", file_name="asked.mov"),
        LEASE,
        destination=internal_pb2.Destination(video=place),
    )
    await wait_for_async(lambda: bench.ledger.finished(LEASE), what="the end")
    assert bench.ledger.finished(LEASE)[0].WhichOneof("outcome") == "success"
    [commit] = bench.store.commits
    assert commit.destination.video == place
    assert commit.outputs[0].file_name == "asked.mov"
    assert commit.outputs[0].role == internal_pb2.ROLE_PROCESSED
    assert commit.outputs[0].size == 4


@pytest.mark.parametrize(
    ("kind", "spec", "message", "retryable"),
    [
        ("copy", ImageThumbSpec(url="{web}/missing"), "status 404", False),
        ("copy", ImageThumbSpec(url="http://127.0.0.1:{nobody}/"), "cannot be reached", True),
        ("copy", ImageThumbSpec(url="http://10.0.0.1/"), "not on the public internet", False),
        ("refuse", TEXT, "this is not an image", False),
        ("crash", TEXT, "crashed", False),
        ("exit", TEXT, "without a usable result", False),
        ("process", VideoProcessSpec(source_video_id="v0"), "no uploaded file", False),
        ("babble", StringValue(value=ILL_FORMED.hex()), "without a usable result", False),
        ("unheard_of", TEXT, "problem of its own", True),
    ],
)
async def test_a_failure_says_why_and_whether_to_try_again(
    bench: Bench, web: str, kind: str, spec: Message, message: str, retryable: bool
) -> None:
    if isinstance(spec, ImageThumbSpec):
        spec = ImageThumbSpec(url=spec.url.format(web=web, nobody=free_port()))
    end = await bench.end(f"test.{kind}", spec)
    assert message in end.failure.message
    assert end.failure.retryable is retryable
    assert await bench.objects() == set()


async def test_trouble_of_others_is_worth_another_try(bench: Bench) -> None:
    bench.store.errors.append(Unavailable("away"))
    end = await bench.end("test.process", VideoProcessSpec(source_video_id="v1"))
    assert end.failure.retryable


async def test_outputs_are_stored_all_or_none(bench: Bench) -> None:
    bench.storage.fails_on = "two"
    end = await bench.end("test.twice", TEXT)
    assert end.failure.retryable
    assert bench.store.commits == []
    assert await bench.objects() == set()


@pytest.mark.parametrize(
    ("error", "retryable"), [(Conflict("an older attempt"), True), (Invalid("no"), False)]
)
async def test_refused_outputs_are_deleted(
    bench: Bench, error: VitascopeError, retryable: bool
) -> None:
    bench.store.errors.append(error)
    end = await bench.end("test.twice", TEXT)
    assert end.failure.retryable is retryable
    assert len(bench.store.commits) == 1
    assert await bench.objects() == set()


async def test_a_commit_is_repeated_until_the_answer_is_known(bench: Bench) -> None:
    """Nothing is deleted that may have become visible."""
    bench.store.errors += [Unavailable("away"), Unavailable("away")]
    end = await bench.end("test.twice", TEXT)
    assert end.WhichOneof("outcome") == "success"
    first, *others = bench.store.commits
    assert others == [first, first]
    assert await bench.objects() == {"work/ITEM/1/one", "work/ITEM/1/two"}


@pytest.mark.parametrize("how", ["cancel", "lose"])
async def test_what_is_taken_back_is_killed_and_not_reported(bench: Bench, how: str) -> None:
    bench.ledger.assign("test.sleep", TEXT, LEASE)
    child = await bench.until_child_runs()
    getattr(bench.ledger, how)(LEASE)
    await wait_for_async(lambda: not psutil.pid_exists(child), what="the child to be killed")
    await bench.end("test.echo", TEXT, OTHER)
    assert bench.ledger.finished(LEASE) == []


async def test_no_more_run_at_once_than_there_are_slots(bench: Bench) -> None:
    leases = [Lease(item_id=f"ITEM{number}", attempt=1) for number in range(3)]
    for lease in leases:
        bench.ledger.assign("test.sleep", TEXT, lease, seconds=0.3)
    await bench.until_child_runs(leases[1])
    assert bench.ledger.progress(leases[2]) == []
    assert len(list(bench.sandbox.rglob("pid"))) == 2
    await wait_for_async(lambda: leases in bench.ledger.heartbeats(), what="all to be kept")
    bench.ledger.cancel(leases[0])
    await bench.until_child_runs(leases[2])


async def test_a_repeated_assignment_is_not_started_again(bench: Bench) -> None:
    bench.ledger.accepts = False
    first = await bench.end("test.echo", StringValue(value="first"))
    bench.ledger.assign("test.echo", StringValue(value="again"), LEASE)
    await bench.end("test.echo", TEXT, OTHER)
    assert bench.ledger.finished(LEASE) == [first]


async def test_what_waits_for_a_slot_can_be_taken_back(bench: Bench) -> None:
    for lease in (LEASE, OTHER):
        bench.ledger.assign("test.sleep", TEXT, lease)
    waiting, last = Lease(item_id="WAITING", attempt=1), Lease(item_id="LAST", attempt=1)
    bench.ledger.assign("test.sleep", TEXT, waiting)
    await bench.until_child_runs(OTHER)
    bench.ledger.cancel(waiting)
    bench.ledger.cancel(LEASE)
    await bench.end("test.echo", TEXT, last)
    assert bench.ledger.progress(waiting) == []


async def test_states_are_saved_and_gone_on_from(bench: Bench) -> None:
    bench.ledger.assign("test.segments", TEXT, LEASE)
    await wait_for_async(
        lambda: b"2" in bench.ledger.checkpoints(LEASE), what="the second segment to be saved"
    )
    bench.ledger.lose(LEASE)
    again = Lease(item_id="ITEM", attempt=2)
    bench.ledger.assign("test.segments", TEXT, again, checkpoint=b"2")
    await wait_for_async(lambda: bench.ledger.finished(again), what="the second attempt")
    result = bench.ledger.finished(again)[0].success.result
    assert StringValue.FromString(result).value == "began at 2"


async def test_an_item_is_split_and_joined(bench: Bench) -> None:
    end = await bench.end("test.split", StringValue(value="a bcd"))
    parts = [(each.kind, each.weight) for each in end.split.parts]
    assert parts == [("test.part", 1), ("test.part", 3)]
    known = bench.ledger.partials(LEASE)
    assert StringValue.FromString(known[-1]).value == "to be split"
    made = []
    for number, part in enumerate(end.split.parts):
        lease = Lease(item_id=f"PART{number}", attempt=1)
        done = await bench.end(part.kind, StringValue.FromString(part.spec), lease)
        made.append(PartResult(kind=part.kind, result=done.success.result))
    again = Lease(item_id="ITEM", attempt=2)
    bench.ledger.assign("test.split", StringValue(value="a bcd"), again, parts=made)
    await wait_for_async(lambda: bench.ledger.finished(again), what="the join")
    result = bench.ledger.finished(again)[0].success.result
    assert StringValue.FromString(result).value == "A BCD"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("as test.echo: a", "in the parts that it was to be split into"),
        ("as test.copy: http://elsewhere.example/secret", "read what the whole does not"),
    ],
)
async def test_a_run_cannot_ask_for_anything_as_a_part(
    bench: Bench, asked: str, message: str
) -> None:
    end = await bench.end("test.split", StringValue(value=asked))
    assert message in end.failure.message
    assert not end.failure.retryable


async def test_a_run_cannot_name_another_s_file_as_its_output(bench: Bench) -> None:
    end = await bench.end("test.claim", StringValue(value="OTHER/KEY/theirs"))
    result = ImageThumbResult.FromString(end.success.result)
    assert (result.width, result.output) == (1, "")


async def test_an_attempt_is_bounded_as_a_whole(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what the sandbox does not bound: a source that never comes."""
    seconds = 0.3 - kinds.LIMITS.wall_seconds
    monkeypatch.setattr(attempt, "_SECONDS_TO_BRING_AND_PUBLISH", seconds)
    async with SlowWeb().running() as url:
        end = await bench.end("test.copy", ImageThumbSpec(url=url))
    assert end.failure.message == "took longer than 0.3 seconds in all"
    assert end.failure.retryable


async def test_leases_are_renewed_in_time(bench: Bench) -> None:
    bench.ledger.assign("test.sleep", TEXT, LEASE, seconds=0.3)
    await bench.until_child_runs()
    bench.ledger.said.clear()
    await wait_for_async(lambda: len(bench.ledger.heartbeats()) >= 3, what="heartbeats")
    assert all(leases == [LEASE] for leases in bench.ledger.heartbeats())


async def test_a_cut_line_comes_back_with_all_leases(bench: Bench) -> None:
    bench.ledger.assign("test.sleep", TEXT, LEASE)
    bench.ledger.accepts = False
    child = await bench.until_child_runs()
    end = await bench.end("test.echo", TEXT, OTHER)
    bench.ledger.cut()
    await wait_for_async(lambda: bench.ledger.finished(OTHER), what="the end to be told again")
    hello, heartbeat, *_ = bench.ledger.said
    assert (hello.hello.worker_id, hello.hello.slots) == ("worker", 2)
    assert "test.sleep" in hello.hello.kinds
    assert list(heartbeat.heartbeat.leases) == [LEASE, OTHER]
    assert bench.ledger.finished(OTHER) == [end]
    assert psutil.pid_exists(child)


@pytest.mark.parametrize("how", ["accept", "lose"])
async def test_an_end_is_told_until_it_is_heard(bench: Bench, how: str) -> None:
    bench.ledger.accepts = False
    await bench.end("test.echo", TEXT)
    bench.ledger.cut()
    await wait_for_async(lambda: bench.ledger.finished(LEASE), what="the end to be told again")
    getattr(bench.ledger, how)(LEASE)
    bench.ledger.cut()
    await wait_for_async(lambda: bench.ledger.heartbeats() == [[]], what="an empty heartbeat")
    assert bench.ledger.finished(LEASE) == []


async def test_a_ledger_that_was_away_is_found_again(tmp_path: Path) -> None:
    ledger, store, port = FakeLedger(), FakeStore(), free_port()
    settings = settings_for(tmp_path, port)
    storage = TestStorage(settings.storage_url)
    bench = Bench(ledger, store, storage, settings.scratch_dir, tmp_path / "sandbox", port)
    async with working(bench, settings):
        async with serving(ledger, store, port):
            await bench.end("test.echo", TEXT)
            ledger.assign("test.sleep", TEXT, OTHER)
            await bench.until_child_runs(OTHER)
        ledger.said.clear()
        async with serving(ledger, store, port):
            await wait_for_async(lambda: ledger.heartbeats() == [[OTHER]], what="the worker")


class SlowWeb:
    """A web server that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()
        self._open = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            self.answers.set()
            server.close()
            await wait_for_async(lambda: not self._open, what="the last connection to close")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            # A worker that is killed, or has no slot left, may hang up without a word.
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await reader.readuntil(b"\r\n\r\n")
                self.asked.set()
                await self.answers.wait()
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nmeow"
                )
        finally:
            writer.close()
            self._open -= 1


@dataclass
class Process:
    """A worker as a process, which works on images that are slow to come."""

    process: asyncio.subprocess.Process
    ledger: FakeLedger
    web: SlowWeb
    scratch: Path

    def signal(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def ends(self) -> int:
        async with asyncio.timeout(20):
            return await self.process.wait()


@asynccontextmanager
async def started(
    ledger: FakeLedger, settings: Settings, program: Sequence[str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a worker's process that has said hello."""
    environment = {
        f"VITASCOPE_{name.upper()}": str(getattr(settings, name))
        for name in settings.model_fields_set
    } | {"VITASCOPE_INTERNAL_KEY": "k" * 32, "VITASCOPE_ENCRYPTION_KEY": "k" * 32}
    process = await asyncio.create_subprocess_exec(*program, env=os.environ | environment)
    try:
        await wait_for_async(ledger.heartbeats, what="the worker's first words")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    ledger, web = FakeLedger(), SlowWeb()
    leftover = tmp_path / "scratch" / "worker" / "ITEM-1" / "film"
    leftover.parent.mkdir(parents=True)
    leftover.write_text("of a worker that died")
    async with serving(ledger, FakeStore()) as port, web.running() as url:
        some = settings_for(tmp_path, port, worker_drain_seconds=20)
        async with started(ledger, some, (sys.executable, "-m", "services.media.worker")) as worker:
            assert not leftover.exists()
            for lease in (LEASE, OTHER, THIRD):
                ledger.assign("image.info", ImageInfoSpec(url=f"{url}{lease.item_id}"), lease)
            async with asyncio.timeout(20):
                await web.asked.wait()
            yield Process(worker, ledger, web, tmp_path / "scratch")
            web.answers.set()


def said_drain(ledger: FakeLedger) -> bool:
    return any(each.HasField("drain") for each in ledger.said)


@pytest.mark.parametrize("who", ["operator", "ledger"])
async def test_a_stop_lets_what_was_assigned_end(process: Process, who: str) -> None:
    """What waits for a slot too: the worker has promised it."""
    if who == "operator":
        process.signal()
    else:
        process.ledger.drain()
    await wait_for_async(lambda: said_drain(process.ledger), what="the drain to be told")
    process.web.answers.set()
    assert await process.ends() == 0
    for lease in (LEASE, OTHER, THIRD):
        [end] = process.ledger.finished(lease)
        assert "not a picture" in end.failure.message
    assert list(process.scratch.rglob("*")) == []


async def test_a_deadline_is_told_for_every_kind(process: Process) -> None:
    hello = process.ledger.said[0].hello
    assert set(hello.deadline_seconds) == set(hello.kinds)
    assert all(
        hello.deadline_seconds[kind] > each.limits.wall_seconds
        for kind, each in operations.REGISTRY.items()
        if kind in hello.kinds
    )


async def test_a_second_stop_does_not_wait(process: Process) -> None:
    process.signal()
    await wait_for_async(lambda: said_drain(process.ledger), what="the drain to be told")
    process.signal()
    assert await process.ends() == 0
    assert process.ledger.finished(LEASE) == []
    assert list(process.scratch.rglob("*")) == []


async def test_a_kill_leaves_no_process(process: Process) -> None:
    children = psutil.Process(process.process.pid).children(recursive=True)
    assert children
    process.process.kill()
    await process.ends()
    await wait_for_async(
        lambda: not any(child.is_running() for child in children), what="the fork server to end"
    )


async def test_work_goes_on_where_a_killed_worker_saved(tmp_path: Path) -> None:
    ledger, again = FakeLedger(), Lease(item_id="ITEM", attempt=2)
    async with serving(ledger, FakeStore()) as port:
        some = settings_for(tmp_path, port)
        async with started(ledger, some, kinds.WORKER) as worker:
            ledger.assign("test.segments", TEXT, LEASE)
            await wait_for_async(
                lambda: b"2" in ledger.checkpoints(LEASE), what="the second segment to be saved"
            )
            [saved] = ledger.checkpoints(LEASE)[-1:]
            worker.kill()
            await worker.wait()
        ledger.cut()
        other = some.model_copy(update={"worker_id": "other"})
        async with started(ledger, other, kinds.WORKER):
            assert not (tmp_path / "scratch" / "worker").exists()
            ledger.assign("test.segments", TEXT, again, checkpoint=saved)
            await wait_for_async(lambda: ledger.finished(again), what="the second attempt")
    result = ledger.finished(again)[0].success.result
    assert StringValue.FromString(result).value == "began at 2"
