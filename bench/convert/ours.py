"""Converts one file as a child of the sandbox does, and prints what that took.

    python -m bench.convert.ours SOURCE FOLDER < SPEC

The spec of `video.process` comes as JSON. As in the worker, a process that has everything imported
forks the one that converts; what is printed is about that one alone.
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path

from google.protobuf.json_format import Parse

from services.media.operations import Job, SourceFile, operation, preload
from vitascope.media.v1.operations_pb2 import VideoProcessSpec

OUTPUT = "output"


def main() -> int:
    """Convert; return the exit status."""
    source, folder = map(Path, sys.argv[1:])
    spec = Parse(sys.stdin.read(), VideoProcessSpec())
    preload()
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        _convert(source, folder, spec)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - began
    found = {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "bytes": usage.ru_maxrss << 10}
    print(json.dumps(found))
    return os.waitstatus_to_exitcode(status)


def _convert(source: Path, folder: Path, spec: VideoProcessSpec) -> None:
    status = 1
    try:
        sources = {"original": SourceFile(source, source.name, None)}
        operation("video.process").run(Job(spec, sources, folder, lambda _: None))
        status = 0
    except BaseException:  # noqa: BLE001 - nothing may unwind into the parent's code
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
