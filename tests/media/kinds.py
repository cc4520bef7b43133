"""Operations for tests: well-behaved ones, and what a taken-over decoder would try.

Run as a program it is the sandbox's fork server with these kinds in its registry.
"""

import asyncio
import ctypes
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from unittest import mock

from google.protobuf.wrappers_pb2 import StringValue

from services.media import operations
from services.media.operations import (
    BadMedia,
    Job,
    Limits,
    Operation,
    Output,
    Part,
    Result,
    Source,
    Split,
)
from tests.media import halving
from vitascope.media.v1.internal_pb2 import ROLE_PROCESSED
from vitascope.media.v1.operations_pb2 import VideoProcessResult, VideoProcessSpec
from vitascope.tasks.v2.specs_pb2 import ImageThumbResult, ImageThumbSpec, VideoCreateResult

LIMITS = Limits(
    memory_bytes=256 << 20, cpu_seconds=20, output_bytes=1 << 20, open_files=32, wall_seconds=20
)

Texts = Job[StringValue]


def _copy(job: Job[ImageThumbSpec]) -> Result:
    """Copy the source; a well-behaved operation with progress and an output."""
    job.progress(50)
    path = job.scratch / "copy"
    path.write_bytes(job.sources["image"].path.read_bytes())
    job.progress(100)
    return Result(ImageThumbResult(width=3), (Output("output", path, "text/plain", "copy.txt"),))


def _film(job: Job[ImageThumbSpec]) -> Result:
    """Make a film of the source, and a picture before it."""
    film, poster = job.scratch / "film", job.scratch / "poster"
    film.write_bytes(job.sources["image"].path.read_bytes())
    poster.write_bytes(b"a picture")
    outputs = (
        Output("preview", poster, "image/png", "poster.png"),
        Output("export", film, "video/mp4", "film.mp4"),
    )
    return Result(VideoCreateResult(duration=1), outputs)


def _process(job: Job[VideoProcessSpec]) -> Result:
    path = job.scratch / "film"
    path.write_bytes(job.sources["original"].path.read_bytes())
    return Result(VideoProcessResult(), (Output("output", path, "video/mp4", "out.mp4"),))


def _twice(job: Texts) -> Result:
    outputs = []
    for name in ("one", "two"):
        path = job.scratch / name
        path.write_text(name)
        outputs.append(Output(name, path, "text/plain", name))
    return Result(StringValue(), tuple(outputs))


def _echo(job: Texts) -> Result:
    return Result(job.spec)


def _refuse(job: Texts) -> Result:
    raise BadMedia("this is not an image")


def _loop(job: Texts) -> Result:
    job.progress(1)
    while True:
        pass


def _sleep(job: Texts) -> Result:
    """Run for ever; the process id is the progress, so that a test can look whether it is gone."""
    (job.scratch / "pid").write_text(str(os.getpid()))
    job.progress(os.getpid())
    threading.Event().wait()
    raise AssertionError


def _allocate(job: Texts) -> Result:
    """Ask for so many bytes, in two ways."""
    size = int(job.spec.value)
    try:
        mmap.mmap(-1, size)
    except OSError:
        return Result(StringValue(value=str(len(bytearray(size)))))
    raise AssertionError


def _fork(job: Texts) -> Result:
    """Have more processes, in every way there is; says the way that worked."""
    clone, clone3, vfork = 56, 435, 58  # on x86-64; elsewhere other calls, which fail too
    libc = ctypes.CDLL(None, use_errno=True)
    ways: dict[str, Callable[[], object]] = {
        "fork": os.fork,
        "forkpty": os.forkpty,
        "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "popen": lambda: subprocess.Popen(["/bin/true"]),
    }
    for number in (clone, clone3, vfork):
        if libc.syscall(number, signal.SIGCHLD, 0, 0, 0, 0) >= 0:
            return Result(StringValue(value=f"call {number}"))
    for name, way in ways.items():
        try:
            way()
        except OSError as error:
            last = error
        else:
            return Result(StringValue(value=name))
    raise last


def _execute(job: Texts) -> Result:
    os.execv("/bin/true", ["true"])  # noqa: S606


def _connect(job: Texts) -> Result:
    host, _, port = job.spec.value.rpartition(":")
    socket.create_connection((host, int(port))).sendall(b"hello")
    return Result(StringValue())


def _socket(job: Texts) -> Result:
    """Open a socket of a family, by its number."""
    with socket.socket(int(job.spec.value), socket.SOCK_RAW if job.spec.value == "16" else 1):
        return Result(StringValue())


def _read(job: Texts) -> Result:
    return Result(StringValue(value=Path(job.spec.value).read_text(errors="replace")))


def _write(job: Texts) -> Result:
    Path(job.spec.value).write_text("was here")
    return Result(StringValue())


def _read_source(job: Texts) -> Result:
    return Result(StringValue(value=job.sources["text"].path.read_text()))


def _write_source(job: Texts) -> Result:
    job.sources["text"].path.write_text("theirs")
    return Result(StringValue())


def _relink_source(job: Texts) -> Result:
    """Have the source under a name in the scratch folder, where files may be written."""
    mine = job.scratch / "mine"
    mine.hardlink_to(job.sources["text"].path)
    mine.write_text("theirs")
    return Result(StringValue())


def _unprotect_source(job: Texts) -> Result:
    job.sources["text"].path.chmod(0o600)
    return Result(StringValue())


def _list(job: Texts) -> Result:
    return Result(StringValue(value=str(os.listdir(job.spec.value))))  # noqa: PTH208


def _chmod(job: Texts) -> Result:
    job.scratch.chmod(0o700)
    return Result(StringValue())


def _signal(job: Texts) -> Result:
    os.kill(os.getppid(), 0)  # harmless, where it is possible
    return Result(StringValue())


def _unlimit(job: Texts) -> Result:
    endless = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_AS, endless)
    return Result(StringValue())


def _loop_unlimited(job: Texts) -> Result:
    """Compute for ever, after lifting the limit that the kernel enforces."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))
    return _loop(job)


def _fill(job: Texts) -> Result:
    with (job.scratch / "large").open("wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 16))
    return Result(StringValue())


def _fill_many(job: Texts) -> Result:
    """Fill the disk with files that are each small enough, until told otherwise."""
    number = 0
    while True:
        folder = job.scratch / str(number // 100)
        folder.mkdir(exist_ok=True)
        (folder / str(number)).write_bytes(bytes(1 << 10))
        number += 1


def _fill_deleted(job: Texts) -> Result:
    """Fill the disk with files that no folder names."""
    files = []
    for number in range(16):
        path = job.scratch / str(number)
        files.append(path.open("wb"))
        path.unlink()
        files[-1].write(bytes(1 << 20))
        files[-1].flush()
    return _sleep(job)


def _fill_and_answer(job: Texts) -> Result:
    """Be quicker than anyone looks."""
    for number in range(3):
        (job.scratch / str(number)).write_bytes(bytes(1 << 20))
    return Result(StringValue())


def _fill_beside(job: Texts) -> Result:
    """Leave something outside of the item's own folder."""
    (job.scratch.parent / "beside").write_text("something")
    return Result(StringValue(value=str(os.getpid())))


def _remove_scratch(job: Texts) -> Result:
    for path in job.scratch.iterdir():
        path.unlink()
    job.scratch.rmdir()
    return Result(StringValue())


def _stop(job: Texts) -> Result:
    job.progress(os.getpid())
    signal.raise_signal(signal.SIGSTOP)
    raise AssertionError


def _linger(job: Texts) -> Result:
    """Answer, and go on in a thread that talks on the line when the next item may be there."""

    def talk() -> None:
        threading.Event().wait(0.2)
        while True:
            os.write(3, b"\0\0\0\x02[]")

    threading.Thread(target=talk, daemon=True).start()
    return Result(StringValue(value=str(os.getpid())))


def _chatter(job: Texts) -> Result:
    """Never stop talking."""
    while True:
        job.progress(1)


def _many_threads(job: Texts) -> Result:
    threading.stack_size(1 << 16)
    forever = threading.Event()
    while True:
        threading.Thread(target=forever.wait, daemon=True).start()


_remembered: list[str] = []


def _remember(job: Texts) -> Result:
    """Leave something in the process; says the process, and what was left there before."""
    if "refuse" in _remembered:
        raise BadMedia("as I was told before")
    before = " ".join([str(os.getpid()), *_remembered])
    if job.spec.value:
        _remembered.append(job.spec.value)
    return Result(StringValue(value=before))


_ballast: list[bytes] = []


def _grow(job: Texts) -> Result:
    """Keep hold of so many bytes after the end."""
    _ballast.append(os.urandom(1 << 20) * (int(job.spec.value) >> 20))
    return Result(StringValue(value=str(os.getpid())))


def _keep_open(job: Texts) -> Result:
    """Leave files open after the end."""
    for _ in range(20):
        os.open(job.scratch, os.O_RDONLY)
    return Result(StringValue(value=str(os.getpid())))


def _leave(job: Texts) -> Result:
    """Leave a file in the scratch folder, and say where."""
    path = job.scratch / "left"
    path.write_text(job.spec.value)
    return Result(StringValue(value=f"{os.getpid()} {path}"))


def _publish(job: Texts) -> Result:
    """Make an output; with a value "from PATH", of what lies there."""
    path = job.scratch / "left"
    path.write_text(job.spec.value)
    if job.spec.value.startswith("from "):
        path.write_text(Path(job.spec.value.removeprefix("from ")).read_text())
    output = Output("output", path, "text/plain", "left")
    return Result(StringValue(value=str(os.getpid())), (output,))


def _compute(job: Texts) -> Result:
    """Use so many seconds of processor time."""
    end = time.process_time() + float(job.spec.value)
    while time.process_time() < end:
        pass
    return Result(StringValue(value=str(os.getpid())))


def _segments(job: Texts) -> Result:
    """Do four segments, saving after each; the first attempt never gets to the last two."""
    begun = int(job.state or b"0")
    for done in range(begun, 4):
        if done == 2 and not job.state:
            return _sleep(job)
        job.checkpoint(str(done + 1).encode())
        job.progress(25 * (done + 1))
    return Result(StringValue(value=f"began at {begun}"))


def _split(job: Texts) -> Result | Split:
    """Have each word done as a part, by its length; join what they made.

    With a value "as KIND: WORDS", the parts are of that kind.
    """
    if job.parts:
        made = [part.value for part in job.parts if isinstance(part, StringValue)]
        return Result(StringValue(value=" ".join(made)))
    kind, _, words = job.spec.value.removeprefix("as ").rpartition(": ")
    job.progress(20)
    job.partial(StringValue(value="to be split"))
    parts = [
        Part(kind or "test.part", StringValue(value=each), len(each)) for each in words.split()
    ]
    return Split(tuple(parts))


def _part(job: Texts) -> Result:
    """Turn a word into capitals; "WORD/SECONDS" takes so long, "bad" is refused."""
    word, _, seconds = job.spec.value.partition("/")
    if word == "bad":
        raise BadMedia("this part is bad")
    job.progress(50)
    time.sleep(float(seconds or 0))
    return Result(StringValue(value=word.upper()))


def _claim(job: Texts) -> Result:
    return Result(ImageThumbResult(width=1, output=job.spec.value))


def _know_much(job: Texts) -> Result:
    job.partial(StringValue(value="x" * int(job.spec.value)))
    return Result(StringValue())


def _save_much(job: Texts) -> Result:
    job.checkpoint(bytes(int(job.spec.value)))
    return Result(StringValue())


def _open_many(job: Texts) -> Result:
    files = [(job.scratch / str(number)).open("w") for number in range(100)]
    return Result(StringValue(value=str(len(files))))


def _crash(job: Texts) -> Result:
    ctypes.string_at(0)
    raise AssertionError


def _exit(job: Texts) -> Result:
    os._exit(int(job.spec.value or 0))


def _link(job: Texts) -> Result:
    path = job.scratch / "link"
    path.symlink_to(job.spec.value)
    return Result(StringValue(), (Output("output", path, "text/plain", "link"),))


def _point_outside(job: Texts) -> Result:
    return Result(StringValue(), (Output("output", Path(job.spec.value), "text/plain", "passwd"),))


def _babble(job: Texts) -> Result:
    """Say on the line what no honest child says."""
    os.write(3, bytes.fromhex(job.spec.value))
    return Result(StringValue())


def _environment(job: Texts) -> Result:
    return Result(StringValue(value=" ".join(os.environ)))


def _threads(job: Texts) -> Result:
    seen: list[int] = []
    threads = [threading.Thread(target=seen.append, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Result(StringValue(value=str(sorted(seen))))


def _encode(job: Texts) -> Result:
    """Encode and decode a film with as many threads as FFmpeg likes."""
    import av

    path = job.scratch / "film.mp4"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=25, options={"threads": "4"})
        stream.width = stream.height = 256
        for _ in range(20):
            film.mux(stream.encode(av.VideoFrame(256, 256, "yuv420p")))
        film.mux(stream.encode(None))
    with av.open(str(path)) as film:
        film.streams.video[0].codec_context.thread_count = 4
        film.streams.video[0].thread_type = "FRAME"
        frames = sum(1 for _ in film.decode(video=0))
    return Result(StringValue(value=str(frames)))


def _sources(spec: StringValue) -> list[Source]:
    return []


def _texts(name: str, run: Callable[[Texts], Result | Split]) -> Operation:
    return Operation(f"test.{name}", StringValue, StringValue, LIMITS, _sources, run)


KINDS = {
    each.kind: each
    for each in (
        Operation(
            kind="test.copy",
            spec_type=ImageThumbSpec,
            result_type=ImageThumbResult,
            limits=LIMITS,
            sources=lambda spec: [Source("image", url=spec.url)],
            run=_copy,
        ),
        Operation(
            kind="test.film",
            spec_type=ImageThumbSpec,
            result_type=VideoCreateResult,
            limits=LIMITS,
            sources=lambda spec: [Source("image", url=spec.url)],
            run=_film,
        ),
        Operation(
            kind="test.process",
            spec_type=VideoProcessSpec,
            result_type=VideoProcessResult,
            limits=LIMITS,
            sources=lambda spec: [Source("original", video_id=spec.source_video_id)],
            run=_process,
            roles={"output": ROLE_PROCESSED},
        ),
        _texts("twice", _twice),
        _texts("echo", _echo),
        _texts("refuse", _refuse),
        _texts("loop", _loop),
        _texts("sleep", _sleep),
        _texts("allocate", _allocate),
        _texts("fork", _fork),
        _texts("execute", _execute),
        _texts("connect", _connect),
        _texts("socket", _socket),
        _texts("read", _read),
        _texts("write", _write),
        _texts("read_source", _read_source),
        _texts("write_source", _write_source),
        _texts("relink_source", _relink_source),
        _texts("unprotect_source", _unprotect_source),
        _texts("list", _list),
        _texts("chmod", _chmod),
        _texts("signal", _signal),
        _texts("unlimit", _unlimit),
        _texts("loop_unlimited", _loop_unlimited),
        _texts("fill", _fill),
        _texts("fill_many", _fill_many),
        _texts("fill_deleted", _fill_deleted),
        _texts("fill_and_answer", _fill_and_answer),
        _texts("fill_beside", _fill_beside),
        _texts("remove_scratch", _remove_scratch),
        _texts("open_many", _open_many),
        _texts("stop", _stop),
        _texts("linger", _linger),
        _texts("chatter", _chatter),
        _texts("many_threads", _many_threads),
        _texts("remember", _remember),
        _texts("grow", _grow),
        _texts("keep_open", _keep_open),
        _texts("leave", _leave),
        _texts("publish", _publish),
        _texts("compute", _compute),
        _texts("segments", _segments),
        _texts("save_much", _save_much),
        replace(_texts("split", _split), parts=frozenset({"test.part", "test.copy"})),
        _texts("part", _part),
        _texts("know_much", _know_much),
        replace(_texts("claim", _claim), result_type=ImageThumbResult),
        _texts("crash", _crash),
        _texts("exit", _exit),
        _texts("link", _link),
        _texts("point_outside", _point_outside),
        _texts("babble", _babble),
        _texts("environment", _environment),
        _texts("threads", _threads),
        _texts("encode", _encode),
        *halving.KINDS,
    )
}
MODULE = "tests.media.kinds"
PROGRAM = (sys.executable, "-m", MODULE)
WORKER = (*PROGRAM, "worker")
WEAK_PROGRAM = (*PROGRAM, "weak", "online")
OFFLINE_PROGRAM = (*PROGRAM, "weak")


def register() -> None:
    """Put these kinds beside the product's."""
    operations.REGISTRY = MappingProxyType({**operations.REGISTRY, **KINDS})


def _weaken() -> None:
    """Be on a machine whose kernel and libraries offer no protection."""
    from services.media.sandbox import landlock, seccomp

    landlock.version = lambda: -1
    seccomp.available = lambda: False


def _work() -> None:
    """Be a worker that knows these kinds."""
    from services.chassis.settings import load
    from services.media.sandbox import Sandbox
    from services.media.worker import __main__ as worker

    with mock.patch.object(worker, "Sandbox", partial(Sandbox, program=PROGRAM)):
        asyncio.run(worker.run(load()))


def _stay_online() -> None:
    """Be on a machine that lets nobody leave its network."""
    from services.media.sandbox import jail

    jail.leave_network = lambda: False


if __name__ == "__main__":
    from services.media.sandbox.forkserver import serve

    register()
    if "worker" in sys.argv:
        _work()
        sys.exit()
    if "weak" in sys.argv:
        _weaken()
    if "online" in sys.argv:
        _stay_online()
    with socket.socket(fileno=int(sys.argv[-1])) as control:
        serve(control)
