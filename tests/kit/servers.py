"""Starting real servers for tests, and what to do where one cannot be had.

Every server is looked for in this order: an address in the environment, a local install or
wheel on a free loopback port, a container where Docker answers. Otherwise its tests are skipped
with the reason, or fail when `VITASCOPE_TEST_REQUIRE=1` says that nothing may be missing.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests.kit.waiting import wait_for

START_SECONDS = 60.0


def free_port() -> int:
    """A TCP port of the loopback address on which nobody listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody listens on a port of the loopback address."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def absent(reason: str) -> NoReturn:
    """Skip the test, or fail it where every server is required."""
    if os.environ.get("VITASCOPE_TEST_REQUIRE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def docker_answers() -> bool:
    """Whether a Docker engine takes requests, asked without its slow client."""
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not address.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(address.removeprefix("unix://")) == 0


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    ready: Callable[[], bool],
    end: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server with its output in `log`; yield when `ready`, send it `end` in the end."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def up() -> bool:
        if process.poll() is not None:
            end = log.read_text(errors="replace")[-3000:]
            raise AssertionError(f"{command[0]} ended with {process.returncode}:\n{end}")
        return ready()

    try:
        wait_for(up, seconds=START_SECONDS, what=f"{command[0]} to start, see {log}")
        yield process
    finally:
        _stop(process, end)


def _stop(process: subprocess.Popen[bytes], end: signal.Signals) -> None:
    process.send_signal(end)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
