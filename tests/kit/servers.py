"""Starting real servers for tests, and what to do where one cannot be had.

Every server is looked for in this order: an address in the environment, a local install or
wheel on a free loopback port, a container where Docker answers. Otherwise its tests are skipped
with the reason, or fail when `VITASCOPE_TEST_REQUIRE=1` says that nothing may be missing.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from tests.kit.waiting import wait_for

START_SECONDS = 60.0

AnyServer = TypeVar("AnyServer", bound="Server")


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


class Server:
    """A program with its output in `log`, which can be stopped, killed and started again.

    `ready` says whether it takes requests; `end` is the signal that asks it to stop. It may be
    changed before a start.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        ready: Callable[[], bool],
        end: signal.Signals = signal.SIGTERM,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.command = command
        self.ready = ready
        self._log = log
        self._end = end
        self._environment = environment
        self._said_before = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The newest process; there is one once it was launched."""
        assert self._process
        return self._process

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def said(self) -> str:
        """What the newest process wrote."""
        return self._log.read_bytes()[self._said_before :].decode(errors="replace")

    def start(self) -> None:
        """Launch it and wait until it is ready."""
        self.launch()
        self.wait()

    def wait(self) -> None:
        """Wait until it is ready."""
        wait_for(self._up, seconds=START_SECONDS, what=f"{self.command[0]}, see {self._log}")

    def launch(self) -> None:
        """Start a process, in a session of its own."""
        with self._log.open("ab") as output:
            self._said_before = output.tell()
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill -9 the process alone and see it gone."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to stop, and after 20 s kill it."""
        self.process.send_signal(self._end)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def _up(self) -> bool:
        if not self.runs:
            ended = self.process.returncode
            raise AssertionError(f"{self.command[0]} ended with {ended}:\n{self.said[-3000:]}")
        return self.ready()


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    ready: Callable[[], bool],
    end: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server with its output in `log`; yield when `ready`, send it `end` in the end."""
    with started(Server(command, log, ready, end)) as server:
        yield server.process


@contextmanager
def started(server: AnyServer) -> Iterator[AnyServer]:
    """Start a server and stop it in the end, if it runs then."""
    with all_started([server]):
        yield server


@contextmanager
def all_started(servers: Sequence[Server]) -> Iterator[None]:
    """Start servers, all at once, and stop those that run in the end, the last first."""
    with ExitStack() as stack:
        for server in servers:
            stack.callback(_stop, server)
            server.launch()
        for server in servers:
            server.wait()
        yield


def _stop(server: Server) -> None:
    if server.runs:
        server.stop()
