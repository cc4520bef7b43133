"""The processes of the benches: started and ended, and what processor time they take."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

START_SECONDS = 30.0
STOP_SECONDS = 30.0


@contextmanager
def started(
    command: Sequence[str | Path],
    log: Path,
    address: str | None = None,
    environment: Mapping[str, str] | None = None,
    end: signal.Signals = signal.SIGTERM,
) -> Iterator[psutil.Process]:
    """Run a program, with its output in `log`, until the block ends.

    Where an address is given, the program has to listen on it within 30 s. `environment` is set
    beside the bench's own. Raises RuntimeError when the program does not start.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=os.environ | (environment or {})
        )
    try:
        until = time.monotonic() + START_SECONDS
        while address and not _listens(address):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{command[0]} does not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.02)
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(end)
        process.wait(STOP_SECONDS)


def free_address() -> str:
    """Return `HOST:PORT` on which nobody listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def cpu_seconds(process: psutil.Process) -> float:
    """Return the processor time of a process and all below it, those that ended included."""
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            total += sum(each.cpu_times()[:4])
        except psutil.NoSuchProcess:
            # It ended just now; its parent has its time.
            continue
    return total


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0
