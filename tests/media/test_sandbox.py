"""What a child may do, what it may not, and that it ends."""

import asyncio
import contextlib
import dataclasses
import os
import signal
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

from services.media.operations import REGISTRY, SourceFile
from services.media.sandbox import Failure, Lost, Outcome, Sandbox, Success
from services.media.sandbox.jail import missing_protections
from tests.kit.clips import CLIPS, FILM
from tests.kit.processes import running_below
from tests.kit.waiting import wait_for_async
from tests.media.kinds import LIMITS, MODULE, PROGRAM, WEAK_PROGRAM
from vitascope.media.v1.operations_pb2 import VideoIngestSpec, VideoProcessSpec
from vitascope.tasks.v2.specs_pb2 import ImageInfoSpec, ImageThumbResult, ImageThumbSpec

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(bool(missing_protections()), reason=", ".join(missing_protections())),
]
SECRET = "the-key-that-signs-everything"
SMALL_MP4: dict[str, Any] = {
    **{"container": "mp4", "codec": "h264", "pixel_format": "yuv420p"},
    **{"width": 64, "height": 36, "bitrate": 100_000, "file_name": "small.mp4"},
}
DENIED = "could not be processed (PermissionError)"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITASCOPE_INTERNAL_KEY", SECRET)
        sandbox = Sandbox(PROGRAM)
        await sandbox.start()
        yield sandbox
        await sandbox.stop()
    assert running_below(MODULE) == []


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


async def run(
    sandbox: Sandbox, scratch: Path, kind: str, value: str = "", **limits: Any
) -> Outcome:
    spec = StringValue(value=value).SerializeToString()
    some = dataclasses.replace(LIMITS, **limits)
    return await sandbox.run(f"test.{kind}", spec, {}, scratch, some, lambda _: None)


async def text(sandbox: Sandbox, scratch: Path, kind: str, value: str = "") -> str:
    outcome = await run(sandbox, scratch, kind, value)
    assert isinstance(outcome, Success), outcome
    return StringValue.FromString(outcome.result).value


async def sleeper(sandbox: Sandbox, scratch: Path) -> tuple[asyncio.Task[Outcome], int]:
    """Start a child that sleeps for ever; its run and its process id."""
    said: list[float] = []
    running = asyncio.create_task(sandbox.run("test.sleep", b"", {}, scratch, LIMITS, said.append))
    await wait_for_async(lambda: said, what="the child to run")
    pid = int(said[0])
    assert psutil.pid_exists(pid)
    return running, pid


def gone(*pids: int) -> bool:
    return not any(
        psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        for pid in pids
    )


async def test_a_job_reads_its_source_and_makes_an_output(
    sandbox: Sandbox, scratch: Path, tmp_path: Path
) -> None:
    source = tmp_path / "in"
    source.write_bytes(b"bytes")
    seen: list[float] = []
    outcome = await sandbox.run(
        "test.copy",
        ImageThumbSpec(url="http://example.org/").SerializeToString(),
        {"image": SourceFile(source, "in.png", None)},
        scratch,
        LIMITS,
        seen.append,
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
        (VideoIngestSpec(video_id="v"), FILM, 0),
        (VideoProcessSpec(source_video_id="v", **SMALL_MP4), FILM, 1),
    ],
)
async def test_the_kinds_of_the_product_have_what_they_need(
    sandbox: Sandbox, scratch: Path, spec: Message, source: Path, outputs: int
) -> None:
    [kind] = [each for each in REGISTRY.values() if isinstance(spec, each.spec_type)]
    outcome = await sandbox.run(
        kind.kind,
        spec.SerializeToString(),
        {each.name: SourceFile(source, source.name, None) for each in kind.sources(spec)},
        scratch,
        kind.limits,
        lambda _: None,
    )
    assert isinstance(outcome, Success), outcome
    assert len(outcome.outputs) == outputs


async def test_threads_are_possible(sandbox: Sandbox, scratch: Path) -> None:
    assert await text(sandbox, scratch, "threads") == "[0, 1, 2, 3, 4, 5, 6, 7]"
    assert await text(sandbox, scratch, "encode") == "20"


async def test_jobs_run_side_by_side(sandbox: Sandbox, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(8)]
    for folder in folders:
        folder.mkdir()
    said = await asyncio.gather(*(text(sandbox, folder, "echo", folder.name) for folder in folders))
    assert said == [folder.name for folder in folders]


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("refuse", "", "this is not an image"),
        ("allocate", "", "ran out of memory (limit 256 MiB)"),
        ("fill", "", "the output grew larger than 1048576 bytes"),
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
        ("point_outside", "/etc/passwd", "ended without a usable result"),
        ("point_outside", "nowhere", "ended without a usable result"),
        ("fork", "", DENIED),
        ("execute", "", DENIED),
        ("connect", "127.0.0.1:9", DENIED),
        ("signal", "", DENIED),
        ("chmod", "", DENIED),
        ("link", "/etc/passwd", DENIED),
        ("read", "/etc/passwd", DENIED),
        ("read", "/proc/self/environ", DENIED),
        ("list", "/", DENIED),
        ("list", "..", DENIED),
        ("write", "../escaped", DENIED),
        ("unlimit", "", "could not be processed (ValueError)"),
    ],
)
async def test_a_job_fails_alone_and_says_why(
    sandbox: Sandbox, scratch: Path, kind: str, value: str, message: str
) -> None:
    assert await run(sandbox, scratch, kind, value) == Failure(message)
    assert not (scratch.parent / "escaped").exists()
    assert await text(sandbox, scratch, "echo", "still there") == "still there"


async def test_sources_and_other_jobs_stay_as_they_are(
    sandbox: Sandbox, scratch: Path, tmp_path: Path
) -> None:
    source, neighbour = tmp_path / "source", tmp_path / "neighbour"
    for path in (source, neighbour):
        path.write_text("mine")
    sources = {"text": SourceFile(source, "source", None)}

    async def with_source(kind: str, path: Path) -> Outcome:
        spec = StringValue(value=str(path)).SerializeToString()
        return await sandbox.run(f"test.{kind}", spec, sources, scratch, LIMITS, lambda _: None)

    assert isinstance(await with_source("read", source), Success)
    assert await with_source("write", source) == Failure(DENIED)
    assert await with_source("read", neighbour) == Failure(DENIED)
    assert source.read_text() == neighbour.read_text() == "mine"


async def test_secrets_of_the_worker_are_out_of_reach(sandbox: Sandbox, scratch: Path) -> None:
    assert "VITASCOPE_INTERNAL_KEY" not in await text(sandbox, scratch, "environment")
    [server] = running_below(MODULE)
    assert "PATH" in server.environ()
    assert SECRET not in server.environ().values()


async def test_an_endless_job_ends(sandbox: Sandbox, scratch: Path) -> None:
    assert await run(sandbox, scratch, "loop", cpu_seconds=1) == Failure(
        "used more than 1 seconds of processor time"
    )
    assert await run(sandbox, scratch, "sleep", wall_seconds=0.3) == Failure(
        "took longer than 0.3 seconds"
    )
    [server] = running_below(MODULE)
    assert server.children() == []


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


async def test_stopping_ends_what_runs(scratch: Path) -> None:
    sandbox = Sandbox(PROGRAM)
    running, pid = await sleeper(sandbox, scratch)
    await sandbox.stop()
    assert isinstance(await running, Failure)
    await wait_for_async(lambda: gone(pid), what="the child to follow its server")


async def test_a_fork_server_that_does_not_start_is_told(scratch: Path) -> None:
    sandbox = Sandbox((sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(Lost):
        await sandbox.start()
    assert await run(sandbox, scratch, "echo") == Failure(
        "the sandbox ended while this ran", retryable=True
    )


async def test_a_machine_without_protections_is_warned_of(scratch: Path) -> None:
    sandbox = Sandbox(WEAK_PROGRAM)
    with capture_logs() as logs:
        await sandbox.start()
    assert ["Landlock" in str(each) and "seccomp" in str(each) for each in logs] == [True]
    try:
        assert await text(sandbox, scratch, "echo", "works") == "works"
        # Nobody stops the link; it is still not taken for an output.
        assert await run(sandbox, scratch, "link", "/etc/passwd") == Failure(
            "ended without a usable result"
        )
    finally:
        await sandbox.stop()


async def test_all_die_with_the_worker(tmp_path: Path) -> None:
    """kill -9 of the process that has the sandbox takes the server and the child with it."""
    worker = textwrap.dedent(
        """
        import asyncio, os, pathlib, sys
        from services.media.sandbox import Sandbox
        from tests.media.kinds import LIMITS, PROGRAM

        async def main():
            scratch = pathlib.Path(sys.argv[1])
            say = lambda pid: print(int(pid), flush=True)
            await Sandbox(PROGRAM).run("test.sleep", b"", {}, scratch, LIMITS, say)

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
