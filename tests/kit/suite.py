"""The embedded suite as its users run it: `vitascope up` in a folder, REST in front."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.kit.waiting import wait_for

VITASCOPE = (sys.executable, "-m", "cli.main")
PASSWORD = "a password for tests"


class Suite:
    """One running `vitascope up`. Use as a context; `start` again after `kill` or `stop`."""

    def __init__(self, data: Path, environment: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.url = ""
        self._environment = os.environ | (environment or {})
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Suite":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, *options: str) -> None:
        """Start the suite on the folder and wait until it says ready."""
        http = self.url.removeprefix("http://") or "127.0.0.1:0"
        self._process = subprocess.Popen(
            [*VITASCOPE, "up", "--data", self.data, "--http", http, "--allow-loopback-sources"],
            stdout=subprocess.PIPE,
            env=self._environment,
            text=True,
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line.startswith("ready "), f"not ready: {line!r}\n{self.logs()}"
        self.url = line.split()[1]

    def stop(self) -> int:
        """Stop the suite as a user would; returns its exit status. Nothing may be left of it."""
        if self._process is None:
            return 0
        family = self.processes()
        self._process.terminate()
        status = self._process.wait(60)
        self._forget(family)
        return status

    def kill_everything(self) -> None:
        """Kill -9 every process of the suite at once."""
        family = self.processes()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        assert self._process
        self._process.wait(10)
        self._forget(family)

    def _forget(self, family: list[psutil.Process]) -> None:
        if self._process and self._process.stdout:
            self._process.stdout.close()
        self._process = None
        _, left = psutil.wait_procs(family, timeout=10)
        assert not left, f"still running: {[process.cmdline() for process in left]}"

    def processes(self) -> list[psutil.Process]:
        """`vitascope up` and all its descendants."""
        assert self._process
        up = psutil.Process(self._process.pid)
        return [up, *up.children(recursive=True)]

    def part(self, module: str) -> psutil.Process:
        """The process that runs `python -m module`."""
        found = wait_for(lambda: self._find(module), seconds=20, what=f"{module} to run")
        assert found
        return found

    def _find(self, module: str) -> psutil.Process | None:
        for process in self.processes():
            try:
                if process.cmdline()[1:3] == ["-m", module]:
                    return process
            except psutil.NoSuchProcess:
                continue
        return None

    def logs(self) -> str:
        """The end of every part's log."""
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-1500:]}"
            for path in sorted((self.data / "logs").glob("*.log"))
        )

    def run(self, *arguments: str) -> Any:
        """Run a `vitascope` command on this folder and return the JSON it prints."""
        done = subprocess.run(
            [*VITASCOPE, *arguments, "--data", str(self.data)],
            capture_output=True,
            env=self._environment,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @contextmanager
    def signed_in(self, email: str) -> Iterator[httpx.Client]:
        """Add a user and yield a client that carries the user's token."""
        self.run("users", "add", "--email", email, "--password", PASSWORD)
        with httpx.Client(base_url=self.url, timeout=60) as client:
            sign_in(client, email)
            yield client


def sign_in(client: httpx.Client, email: str) -> None:
    """Give the client a fresh token."""
    answer = client.get("/accounts/v1/token", auth=(email, PASSWORD))
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['jwtToken']}"


def kill(process: psutil.Process) -> None:
    """Kill -9 a process and see it gone."""
    process.send_signal(signal.SIGKILL)
    psutil.wait_procs([process], timeout=10)
