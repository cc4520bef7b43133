"""What a piece of work takes, in a process of its own."""

import os
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from google.protobuf.message import Message

from services.media.operations import Job, SourceFile, operation


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock and of processor time, user's and system's; bytes at the peak."""

    wall: float
    cpu: float
    bytes: int


def forked(work: Callable[[], None]) -> Cost:
    """Do something in a child that has all that is imported here, and nothing to start.

    Raises RuntimeError when it fails. The peak counts what child and parent share.
    """
    began = time.perf_counter()
    pid = os.fork() or _child(work)
    _, status, usage = os.wait4(pid, 0)
    return _cost(began, status, usage, "the work")


def program(command: Sequence[str | Path]) -> Cost:
    """Run a program to its end. Raises RuntimeError when it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return _cost(began, status, usage, str(command[0]))


def operated(kind: str, spec: Message, paths: Mapping[str, Path], folder: Path) -> Cost:
    """Run a kind's operation on files by the names of its sources, without its jail."""
    sources = {name: SourceFile(path, path.name, None) for name, path in paths.items()}
    job: Job[Any] = Job(spec, sources, folder, lambda _: None)
    return forked(lambda: _run(kind, job))


def _run(kind: str, job: Job[Any]) -> None:
    operation(kind).run(job)


def _child(work: Callable[[], None]) -> NoReturn:
    status = 1
    try:
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - nothing may unwind into the bench
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _cost(began: float, status: int, usage: resource.struct_rusage, what: str) -> Cost:
    wall = time.perf_counter() - began
    if status:
        raise RuntimeError(f"{what} failed")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)
