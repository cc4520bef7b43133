"""What a child may do, what it may not, and that it ends."""

import asyncio
import contextlib
import dataclasses
import errno
import os
import signal
import socket
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from structlog.testing import capture_logs

from services.media.operations import PARTIAL_BYTES, REGISTRY, SourceFile
from services.media.sandbox import (
    Ears,
    Failure,
    Lost,
    Order,
    Outcome,
    Sandbox,
    Split,
    Success,
    conversation,
    link,
    pool,
    watch,
)
from services.media.sandbox.jail import missing_protections
from tests.kit.clips import CLIPS, FILM
from tests.kit.processes import running_below
from tests.kit.waiting import wait_for_async
from tests.media.kinds import LIMITS, MODULE, OFFLINE_PROGRAM, PROGRAM, WEAK_PROGRAM
from vitascope.media.v1.operations_pb2 import VideoIngestSpec, VideoProcessSpec
from vitascope.tasks.v2.specs_pb2 import ImageInfoSpec, ImageThumbResult, ImageThumbSpec

MISSING = missing_protections(has_network=False)
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(bool(MISSING), reason=", ".join(MISSING)),
]
SECRET = "the-key-that-signs-everything"
SMALL_MP4: dict[str, Any] = {
    **{"container": "mp4", "codec": "h264", "pixel_format": "yuv420p"},
    **{"width": 64, "height": 36, "bitrate": 100_000, "file_name": "small.mp4"},
}
FAMILIES = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET)
PARTS = "was to be done in too many parts, or in too large ones, or in none"
DENIED = "could not be processed (PermissionError)"


DEAF = Ears(lambda percent: None, lambda state: None, lambda known: None)
SLOTS = 2
MOST_WAITING = 4


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(homes: Path) -> AsyncIterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITASCOPE_INTERNAL_KEY", SECRET)
        patch.setattr(pool, "_MOST_WAITING", MOST_WAITING)
        sandbox = Sandbox(homes.parent, SLOTS, PROGRAM)
        await sandbox.start()
        yield sandbox
        await sandbox.stop()
    assert running_below(MODULE) == []
    assert not files_below(homes)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the children of `sandbox` live."""
    return tmp_path_factory.mktemp("sandbox") / "homes"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where outputs are put."""
    return tmp_path / "made"


def order(
    kind: str,
    value: str = "",
    *,
    account: str = "account",
    sources: dict[str, SourceFile] | None = None,
    state: bytes = b"",
    **limits: Any,
) -> Order:
    spec = StringValue(value=value).SerializeToString()
    some = dataclasses.replace(LIMITS, **limits)
    return Order(account, f"test.{kind}", spec, sources or {}, some, state)


async def run(sandbox: Sandbox, scratch: Path, kind: str, value: str = "", **more: Any) -> Outcome:
    return await sandbox.run(order(kind, value, **more), scratch, DEAF)


async def text(sandbox: Sandbox, scratch: Path, kind: str, value: str = "", **more: Any) -> str:
    outcome = await run(sandbox, scratch, kind, value, **more)
    assert isinstance(outcome, Success), outcome
    return StringValue.FromString(outcome.result).value


async def sleeper(
    sandbox: Sandbox, scratch: Path, kind: str = "sleep"
) -> tuple[asyncio.Task[Outcome], int]:
    """Start a child that sleeps for ever; its run and its process id."""
    said: list[float] = []
    ears = Ears(said.append, lambda state: None, lambda known: None)
    running = asyncio.create_task(sandbox.run(order(kind), scratch, ears))
    await wait_for_async(lambda: said, what="the child to run")
    pid = int(said[0])
    assert psutil.pid_exists(pid)
    return running, pid


def files_below(folder: Path) -> list[Path]:
    """All files in a folder, none when there is no folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


async def nothing_is_left(homes: Path) -> None:
    """Wait until there are only children that wait for work, each with an empty home."""

    def at_rest() -> bool:
        server, *others = running_below(MODULE)
        children = server.children()
        found = {path.name for path in files_below(homes)}
        return (
            len(others) == len(children) == len(list(homes.iterdir()))
            and len(children) <= MOST_WAITING + SLOTS
            and all(child.num_threads() == 1 for child in children)
            and found <= {".stderr"}
        )

    def look() -> bool:
        try:
            return at_rest()
        except (psutil.NoSuchProcess, FileNotFoundError):
            return False

    await wait_for_async(look, what="the sandbox to be at rest")


def gone(*pids: int) -> bool:
    return not any(map(_runs, pids))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_a_job_reads_its_source_and_makes_an_output(
    sandbox: Sandbox, scratch: Path, tmp_path: Path
) -> None:
    source = tmp_path / "in"
    source.write_bytes(b"bytes")
    seen: list[float] = []
    outcome = await sandbox.run(
        Order(
            "account",
            "test.copy",
            ImageThumbSpec(url="http://example.org/").SerializeToString(),
            {"image": SourceFile(source, "in.png", None)},
            LIMITS,
        ),
        scratch,
        Ears(seen.append, lambda state: None, lambda known: None),
    )
    assert isinstance(outcome, Success), outcome
    assert ImageThumbResult.FromString(outcome.result).width == 3
    [output] = outcome.outputs
    assert output.path.read_bytes() == b"bytes"
    assert (output.name, output.content_type, output.file_name) == (
        "output",
        "text/plain",
        "copy.txt",
    )
    assert seen == [50, 100]


@pytest.mark.parametrize(
    ("spec", "source", "outputs"),
    [
        (ImageInfoSpec(), CLIPS / "bunny_sideways.jpg", 0),
        (ImageThumbSpec(width=64, poster=True, format="png"), CLIPS / "bunny_sideways.jpg", 1),
        (VideoIngestSpec(video_id="v"), FILM, 5),
        (VideoIngestSpec(video_id="v", light=True), FILM, 0),
        (VideoProcessSpec(source_video_id="v", **SMALL_MP4), FILM, 1),
    ],
)
async def test_the_kinds_of_the_product_have_what_they_need(
    sandbox: Sandbox, scratch: Path, spec: Message, source: Path, outputs: int
) -> None:
    [kind] = [each for each in REGISTRY.values() if isinstance(spec, each.spec_type)]
    sources = {each.name: SourceFile(source, source.name, None) for each in kind.sources(spec)}
    some = Order("account", kind.kind, spec.SerializeToString(), sources, kind.limits)
    outcome = await sandbox.run(some, scratch, DEAF)
    assert isinstance(outcome, Success), outcome
    assert len(outcome.outputs) == outputs


async def test_a_job_that_starts_threads_for_ever_is_ended(sandbox: Sandbox, scratch: Path) -> None:
    # With memory enough for those that come until somebody looks.
    outcome = await run(sandbox, scratch, "many_threads", memory_bytes=16 << 30)
    assert isinstance(outcome, Failure), outcome
    assert outcome.message == "started more than 512 threads"


async def test_threads_are_possible(sandbox: Sandbox, scratch: Path) -> None:
    assert await text(sandbox, scratch, "threads") == "[0, 1, 2, 3, 4, 5, 6, 7]"
    assert await text(sandbox, scratch, "encode") == "20"


async def test_jobs_run_side_by_side(sandbox: Sandbox, scratch: Path) -> None:
    said = await asyncio.gather(
        *(text(sandbox, scratch, "echo", str(number)) for number in range(8))
    )
    assert said == [str(number) for number in range(8)]


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("refuse", "", "this is not an image"),
        ("allocate", str(1 << 30), "ran out of memory (limit 256 MiB)"),
        ("allocate", str(100 << 30), "ran out of memory (limit 256 MiB)"),
        ("fill", "", "the output grew larger than 1048576 bytes"),
        ("fill_many", "", "the output grew larger than 1048576 bytes"),
        ("fill_deleted", "", "the output grew larger than 1048576 bytes"),
        ("fill_and_answer", "", "the output grew larger than 1048576 bytes"),
        ("stop", "", "was stopped from outside"),
        ("save_much", str(1 << 20), "could not be processed (ValueError)"),
        ("open_many", "", "could not be processed (OSError)"),
        ("crash", "", "the decoder crashed (SIGSEGV)"),
        ("exit", "0", "ended without a usable result"),
        ("exit", "3", "ended without a usable result"),
        ("babble", b"\xff\xff\xff\xff".hex(), "ended without a usable result"),
        ("babble", b"\0\0\0\x02ab".hex(), "ended without a usable result"),
        ("babble", b"\0\0\0\x02[]".hex(), "ended without a usable result"),
        ("babble", b"\0\0\0\x02{}".hex(), "ended without a usable result"),
        ("babble", b'\0\0\0\x0f{"percent": NaN}'.hex(), "ended without a usable result"),
        ("babble", (b"\0\1\0\0" + b"[" * 65536).hex(), "ended without a usable result"),
        ("babble", b'\0\0\0\x0d{"state": "?"}'.hex(), "ended without a usable result"),
        ("babble", b'\0\0\0\x10{"partial": "?"}'.hex(), "ended without a usable result"),
        ("babble", b'\0\0\0\x0c{"split": 1}'.hex(), "ended without a usable result"),
        ("babble", b'\0\0\0\x18{"split": [["", "", 1]]}'.hex(), "ended without a usable result"),
        ("babble", b'\0\0\0\x1a{"split": [["", "", NaN]]}'.hex(), "ended without a usable result"),
        ("split", "", PARTS),
        ("split", "x " * 1001, PARTS),
        ("point_outside", "/etc/passwd", "ended without a usable result"),
        ("point_outside", "nowhere", "ended without a usable result"),
        ("fork", "", DENIED),
        ("execute", "", DENIED),
        ("connect", "127.0.0.1:9", DENIED),
        *[("socket", str(int(family)), DENIED) for family in FAMILIES],
        ("signal", "", DENIED),
        ("chmod", "", DENIED),
        ("link", "/etc/passwd", DENIED),
        ("read", "/etc/passwd", DENIED),
        ("read", "/proc/self/environ", DENIED),
        ("list", "/", DENIED),
        ("list", "../..", DENIED),
        ("write", "../../escaped", DENIED),
        ("write", "../../sources/escaped", DENIED),
        ("remove_scratch", "", "ended without a usable result"),
        ("unlimit", "", "could not be processed (ValueError)"),
    ],
)
async def test_a_job_fails_alone_and_says_why(
    sandbox: Sandbox, homes: Path, scratch: Path, kind: str, value: str, message: str
) -> None:
    outcome = await run(sandbox, scratch, kind, value)
    assert isinstance(outcome, Failure)
    assert outcome.message == message
    assert outcome.retryable is (kind == "stop")
    assert "escaped" not in [path.name for path in files_below(homes)]
    assert not files_below(scratch)
    assert await text(sandbox, scratch, "echo", "still there") == "still there"
    await nothing_is_left(homes)


@pytest.mark.parametrize("is_linked", [True, False])
async def test_sources_and_other_jobs_stay_as_they_are(
    sandbox: Sandbox,
    scratch: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_linked: bool,
) -> None:
    """Also of a storage on another file system, where a source cannot be linked to."""
    source, neighbour = tmp_path / "source", tmp_path / "neighbour"
    for path in (source, neighbour):
        path.write_text("mine")
    sources = {"text": SourceFile(source, "source", None)}
    if not is_linked:
        monkeypatch.setattr(os, "link", _no_link)

    assert await text(sandbox, scratch, "read_source", sources=sources) == "mine"
    assert await run(sandbox, scratch, "write_source", sources=sources) == Failure(DENIED)
    read = await run(sandbox, scratch, "read", str(neighbour), sources=sources)
    assert read == Failure(DENIED)
    assert source.read_text() == neighbour.read_text() == "mine"
    assert source.stat().st_nlink == 1


def _no_link(*paths: Path) -> None:
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


async def test_what_other_items_wrote_is_out_of_reach(
    sandbox: Sandbox, homes: Path, scratch: Path, tmp_path: Path
) -> None:
    running, _ = await sleeper(sandbox, scratch)
    [theirs] = [path for path in files_below(homes) if path.name == "pid"]
    assert await run(sandbox, scratch, "read", str(theirs)) == Failure(DENIED)
    assert await run(sandbox, scratch, "read", str(theirs), account="b") == Failure(DENIED)
    running.cancel()
    await asyncio.wait([running])
    # An earlier item in the same process, and what it gave away.
    left = await text(sandbox, scratch, "leave", "secret")
    again = await text(sandbox, scratch, "leave", "x")
    assert left == again
    assert await text(sandbox, scratch, "publish", "secret")
    published = scratch / "left"
    assert published.read_text() == "secret"
    assert await run(sandbox, tmp_path / "other", "publish", f"from {published}") == Failure(DENIED)


async def test_secrets_of_the_worker_are_out_of_reach(sandbox: Sandbox, scratch: Path) -> None:
    assert "VITASCOPE_INTERNAL_KEY" not in await text(sandbox, scratch, "environment")
    server = running_below(MODULE)[0]
    assert "PATH" in server.environ()
    assert SECRET not in server.environ().values()
    for pid in (server.pid, os.getpid()):
        assert await run(sandbox, scratch, "read", f"/proc/{pid}/environ") == Failure(DENIED)


async def test_an_endless_job_ends(sandbox: Sandbox, homes: Path, scratch: Path) -> None:
    assert await run(sandbox, scratch, "loop", cpu_seconds=1) == Failure(
        "used more than 1 seconds of processor time"
    )
    assert await run(sandbox, scratch, "sleep", wall_seconds=0.3) == Failure(
        "took longer than 0.3 seconds"
    )
    assert await run(sandbox, scratch, "loop_unlimited", cpu_seconds=1) == Failure(
        "used more than 1 seconds of processor time"
    )
    assert await run(sandbox, scratch, "chatter", wall_seconds=0.3) == Failure(
        "took longer than 0.3 seconds"
    )
    await nothing_is_left(homes)


async def test_cancelling_kills_the_child(sandbox: Sandbox, scratch: Path) -> None:
    running, pid = await sleeper(sandbox, scratch)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert running.cancelled()
    assert gone(pid)


async def test_a_child_killed_from_outside_is_worth_another_try(
    sandbox: Sandbox, scratch: Path
) -> None:
    running, pid = await sleeper(sandbox, scratch)
    os.kill(pid, signal.SIGKILL)
    outcome = await running
    assert isinstance(outcome, Failure)
    assert outcome.retryable
    assert "killed" in outcome.message


async def test_a_dead_fork_server_is_replaced(sandbox: Sandbox, scratch: Path) -> None:
    running, pid = await sleeper(sandbox, scratch)
    server = running_below(MODULE)[0]
    server.kill()
    assert await running == Failure("the sandbox ended while this ran", retryable=True)
    await wait_for_async(lambda: gone(pid), what="the child to follow its server")
    assert await text(sandbox, scratch, "echo", "new") == "new"
    assert server.pid not in [each.pid for each in running_below(MODULE)]


async def test_a_child_serves_one_account_and_one_kind(sandbox: Sandbox, scratch: Path) -> None:
    """What an item leaves in a process meets nobody else."""
    pid, *nothing = (await text(sandbox, scratch, "remember", "poison", account="a")).split()
    assert nothing == []
    assert await text(sandbox, scratch, "remember", account="a") == f"{pid} poison"
    theirs = [await text(sandbox, scratch, "remember", account=f"b{n}") for n in range(10)]
    assert pid not in {each.split()[0] for each in theirs}
    assert all(len(each.split()) == 1 for each in theirs)
    # Others needed the room.
    await wait_for_async(lambda: gone(int(pid)), what="the first child to go")


async def test_accounts_that_take_turns_keep_their_children(
    sandbox: Sandbox, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_MOST_WAITING", 12)
    first, second = [
        [(await text(sandbox, scratch, "remember", account=f"turn{n}")).split() for n in range(12)]
        for _ in range(2)
    ]
    assert first == second
    assert len({pid for (pid,) in first}) == 12


async def test_children_that_wait_do_not_fill_the_memory(
    sandbox: Sandbox, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_MOST_WAITING_BYTES", 200 << 20)
    large: dict[str, Any] = {"value": str(120 << 20), "memory_bytes": 1 << 30}
    first = int(await text(sandbox, scratch, "grow", account="large", **large))
    assert not gone(first)
    await text(sandbox, scratch, "grow", account="larger", **large)
    await wait_for_async(lambda: gone(first), what="the first child to go")


async def test_a_child_serves_for_a_while(
    sandbox: Sandbox, homes: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_ITEMS_PER_CHILD", 50)
    said = [await text(sandbox, scratch, "remember", account="while") for _ in range(60)]
    pids = [each.split()[0] for each in said]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [50, 10]
    await nothing_is_left(homes)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("linger", ""), ("grow", str(300 << 20)), ("keep_open", ""), ("fill_beside", "")],
)
async def test_a_child_that_is_not_as_before_goes(
    sandbox: Sandbox, homes: Path, scratch: Path, kind: str, value: str
) -> None:
    first = int(await text(sandbox, scratch, kind, value, memory_bytes=1 << 30))
    assert gone(first)
    assert int(await text(sandbox, scratch, kind, value, memory_bytes=1 << 30)) != first
    await nothing_is_left(homes)


async def test_a_failure_ends_its_child(sandbox: Sandbox, scratch: Path) -> None:
    first = (await text(sandbox, scratch, "remember", account="f")).split()[0]
    assert await text(sandbox, scratch, "remember", "refuse", account="f") == first
    assert await run(sandbox, scratch, "remember", account="f") == Failure("as I was told before")
    assert gone(int(first))


async def test_a_child_that_waits_in_vain_goes(
    sandbox: Sandbox, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = int((await text(sandbox, scratch, "remember", account="idle")).split()[0])
    assert not gone(pid)
    monkeypatch.setattr(pool, "_SECONDS_IDLE", 0.1)
    await wait_for_async(lambda: gone(pid), what="the idle child to go")


async def test_a_child_that_does_nothing_is_given_up(
    sandbox: Sandbox, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_SECONDS_WITHOUT_PULSE", 0.3)
    ended = await run(sandbox, scratch, "sleep")
    assert ended == Failure("did nothing for 0.3 seconds", retryable=True)


async def test_each_item_has_its_own_processor_time(sandbox: Sandbox, scratch: Path) -> None:
    pids = [await text(sandbox, scratch, "compute", "0.7", cpu_seconds=1) for _ in range(4)]
    assert len(set(pids)) == 1


async def test_a_state_is_saved_and_given_to_the_next(sandbox: Sandbox, scratch: Path) -> None:
    states: list[bytes] = []
    said: list[float] = []
    ears = Ears(said.append, states.append, lambda known: None)
    running = asyncio.create_task(sandbox.run(order("segments"), scratch, ears))
    await wait_for_async(lambda: len(said) == 3, what="the first attempt to be in the middle")
    running.cancel()
    await asyncio.wait([running])
    assert states == [b"1", b"2"]
    assert await text(sandbox, scratch, "segments", state=states[-1]) == "began at 2"


async def test_what_is_known_is_told_before_a_split(sandbox: Sandbox, scratch: Path) -> None:
    known: list[bytes] = []
    ears = Ears(lambda percent: None, lambda state: None, known.append)
    ended = await sandbox.run(order("split", "a bcd"), scratch, ears)
    assert [StringValue.FromString(each).value for each in known] == ["to be split"]
    assert isinstance(ended, Split)
    assert [(part.kind, part.weight) for part in ended.parts] == [
        ("test.part", 1),
        ("test.part", 3),
    ]
    specs = [StringValue.FromString(part.spec).value for part in ended.parts]
    assert specs == ["a", "bcd"]


async def test_results_of_parts_are_given(sandbox: Sandbox, scratch: Path) -> None:
    made = [("test.part", StringValue(value=each).SerializeToString()) for each in ("A", "B")]
    joined = await sandbox.run(
        dataclasses.replace(order("split", "a b"), parts=made), scratch, DEAF
    )
    assert isinstance(joined, Success)
    assert StringValue.FromString(joined.result).value == "A B"


async def test_nobody_tells_too_much_at_once(sandbox: Sandbox, scratch: Path) -> None:
    failed = await run(sandbox, scratch, "know_much", str(PARTIAL_BYTES))
    assert failed == Failure("could not be processed (ValueError)")


async def test_a_fork_server_that_hangs_is_replaced(
    sandbox: Sandbox, homes: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "_SECONDS_TO_FORK", 0.3)
    monkeypatch.setattr(link, "_SECONDS_TO_DIE", 0.3)
    server = running_below(MODULE)[0]
    server.suspend()
    # Spare children need no fork server; the rest does.
    ended = await asyncio.gather(
        *(run(sandbox, scratch, "echo", account=f"h{n}") for n in range(4))
    )
    assert {each for each in ended if isinstance(each, Failure)} == {
        Failure("the sandbox ended while this ran", retryable=True)
    }
    assert await text(sandbox, scratch, "echo", "new") == "new"
    assert server.pid not in [each.pid for each in running_below(MODULE)]
    await nothing_is_left(homes)


async def test_stopping_ends_what_runs(scratch: Path, tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, SLOTS, PROGRAM)
    running, pid = await sleeper(sandbox, scratch)
    await sandbox.stop()
    assert isinstance(await running, Failure)
    await wait_for_async(lambda: gone(pid), what="the child to follow its server")


async def test_a_fork_server_that_does_not_start_is_told(scratch: Path, tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, SLOTS, (sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(Lost):
        await sandbox.start()
    assert await run(sandbox, scratch, "echo") == Failure(
        "the sandbox ended while this ran", retryable=True
    )


async def test_a_machine_without_protections_is_warned_of(scratch: Path, tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, SLOTS, WEAK_PROGRAM)
    with capture_logs() as logs:
        await sandbox.start()
    [warning] = logs
    assert [each.partition(":")[0] for each in warning["missing"]] == [
        "Landlock",
        "seccomp",
        "network namespace",
    ]
    try:
        assert await text(sandbox, scratch, "echo", "works") == "works"
        # Nobody stops the link; it is still not taken for an output.
        assert await run(sandbox, scratch, "link", "/etc/passwd") == Failure(
            "ended without a usable result"
        )
    finally:
        await sandbox.stop()


async def test_no_network_is_there_even_without_seccomp(scratch: Path, tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, SLOTS, OFFLINE_PROGRAM)
    with capture_logs() as logs:
        await sandbox.start()
    try:
        if any("network" in each for each in logs[0]["missing"]):
            pytest.skip("this machine lets nobody leave its network")
        with socket.create_server(("127.0.0.1", 0)) as listening:
            address = f"127.0.0.1:{listening.getsockname()[1]}"
            assert await run(sandbox, scratch, "connect", address) == Failure(
                "could not be processed (OSError)"
            )
    finally:
        await sandbox.stop()


async def test_all_die_with_the_worker(tmp_path: Path) -> None:
    """kill -9 of the process that has the sandbox takes the server and the child with it."""
    worker = textwrap.dedent(
        """
        import asyncio, os, pathlib, sys
        from services.media.sandbox import Ears, Order, Sandbox
        from tests.media.kinds import LIMITS, PROGRAM

        async def main():
            folder = pathlib.Path(sys.argv[1])
            ears = Ears(lambda pid: print(int(pid), flush=True), print, print)
            order = Order("account", "test.sleep", b"", {}, LIMITS)
            await Sandbox(folder, 1, PROGRAM).run(order, folder / "made", ears)

        asyncio.run(main())
        """
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", worker, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    child = int(await process.stdout.readline())
    server = psutil.Process(child).ppid()
    process.kill()
    await process.wait()
    await wait_for_async(lambda: gone(child, server), what="server and child to end")
