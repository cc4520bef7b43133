"""Operations for tests: well-behaved ones, and what a taken-over decoder would try.

Run as a program it is the sandbox's fork server with these kinds in its registry.
"""

import ctypes
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from google.protobuf.wrappers_pb2 import StringValue

from services.media import operations
from services.media.operations import BadMedia, Job, Limits, Operation, Output, Result, Source
from vitascope.media.v1.operations_pb2 import VideoProcessResult, VideoProcessSpec
from vitascope.tasks.v2.specs_pb2 import ImageThumbResult, ImageThumbSpec

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
    job.progress(os.getpid())
    threading.Event().wait()
    raise AssertionError


def _allocate(job: Texts) -> Result:
    return Result(StringValue(value=str(len(bytearray(1 << 30)))))


def _fork(job: Texts) -> Result:
    return Result(StringValue(value=str(os.fork())))


def _execute(job: Texts) -> Result:
    os.execv("/bin/true", ["true"])  # noqa: S606


def _connect(job: Texts) -> Result:
    host, _, port = job.spec.value.rpartition(":")
    socket.create_connection((host, int(port))).sendall(b"hello")
    return Result(StringValue())


def _read(job: Texts) -> Result:
    return Result(StringValue(value=Path(job.spec.value).read_text(errors="replace")))


def _write(job: Texts) -> Result:
    Path(job.spec.value).write_text("was here")
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
    import resource

    endless = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_AS, endless)
    return Result(StringValue())


def _fill(job: Texts) -> Result:
    with (job.scratch / "large").open("wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 16))
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


def _texts(name: str, run: Callable[[Texts], Result]) -> Operation:
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
            kind="test.process",
            spec_type=VideoProcessSpec,
            result_type=VideoProcessResult,
            limits=LIMITS,
            sources=lambda spec: [Source("original", video_id=spec.source_video_id)],
            run=_process,
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
        _texts("read", _read),
        _texts("write", _write),
        _texts("list", _list),
        _texts("chmod", _chmod),
        _texts("signal", _signal),
        _texts("unlimit", _unlimit),
        _texts("fill", _fill),
        _texts("open_many", _open_many),
        _texts("crash", _crash),
        _texts("exit", _exit),
        _texts("link", _link),
        _texts("point_outside", _point_outside),
        _texts("babble", _babble),
        _texts("environment", _environment),
        _texts("threads", _threads),
        _texts("encode", _encode),
    )
}
MODULE = "tests.media.kinds"
PROGRAM = (sys.executable, "-m", MODULE)
WEAK_PROGRAM = (*PROGRAM, "weak")


def register() -> None:
    """Put these kinds beside the product's."""
    operations.REGISTRY = MappingProxyType({**operations.REGISTRY, **KINDS})


def _weaken() -> None:
    """Be on a machine whose kernel and libraries offer no protection."""
    from services.media.sandbox import landlock, seccomp

    landlock.version = lambda: -1
    seccomp.available = lambda: False


if __name__ == "__main__":
    from services.media.sandbox.forkserver import serve

    register()
    if "weak" in sys.argv:
        _weaken()
    with socket.socket(fileno=int(sys.argv[-1])) as control:
        serve(control)
