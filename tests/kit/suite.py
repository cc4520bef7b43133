"""The suite as its users run it: in a folder, REST in front; embedded, by `vitascope up`."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from tests.kit.waiting import wait_for

VITASCOPE = (sys.executable, "-m", "cli.main")
PASSWORD = "a password for tests"


class Whole(ABC):
    """A suite of which tests see the folder, REST, the processes and the commands.

    `data` is its folder, `url` the address of REST once it runs.
    """

    def __init__(self, data: Path, environment: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.url = ""
        # The folder in the search path marks every process of this suite: it is among the few
        # variables that the sandbox lets its children have.
        marked = {"PATH": f"{os.environ['PATH']}:{data}"}
        self._environment = {**os.environ, **marked, **(environment or {})}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def start(self) -> None:
        """Start the suite on the folder and wait until REST answers."""

    @abstractmethod
    def stop(self) -> int:
        """Stop the suite; returns the worst exit status. Nothing may be left of it."""

    @abstractmethod
    def ask(self, service: str, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query, in SQL of both engines, to a service's database.

        A database that is away is waited for.
        """

    def ended(self) -> int:
        """How many items of work have ended."""
        query = "SELECT count(*) FROM items WHERE completed_at IS NOT NULL"
        return int(self.ask("tasks", query)[0][0])

    @abstractmethod
    def revive(self) -> None:
        """Start the parts that have ended."""

    def processes(self) -> list[psutil.Process]:
        """All processes of the suite, orphans too."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def parts(self, module: str) -> list[psutil.Process]:
        """The processes that were started as `python -m module`, oldest first."""
        found = []
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                if process.cmdline()[1:3] == ["-m", module]:
                    found.append(process)
        return sorted(found, key=psutil.Process.create_time)

    def part(self, module: str) -> psutil.Process:
        """The first of `parts`, once there is one."""
        return wait_for(lambda: self.parts(module), seconds=20, what=f"{module} to run")[0]

    def logs(self) -> str:
        """The end of every part's log."""
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-1500:]}"
            for path in sorted((self.data / "logs").glob("*.log"))
        )

    def addresses(self) -> dict[str, str]:
        """Where the parts are: `accounts`, `videos`, `media`, `tasks`, `http` and `broker`."""
        found: dict[str, str] = json.loads((self.data / "run" / "addresses.json").read_text())
        return found

    def secrets(self) -> dict[str, str]:
        """The keys that the suite made for itself, by the names of their settings."""
        kept: dict[str, str] = json.loads((self.data / "keys.json").read_text())
        return kept

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

    def _is_ours(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            living = process.status() != psutil.STATUS_ZOMBIE
            return living and process.environ().get("PATH", "").endswith(f":{self.data}")
        return False

    def _see_all_gone(self) -> None:
        _, left = psutil.wait_procs(self.processes(), timeout=10)
        assert not left, f"still running: {[process.cmdline() for process in left]}"


class Suite(Whole):
    """One running `vitascope up`. Use as a context; `start` again after `kill` or `stop`."""

    def __init__(
        self, data: Path, environment: Mapping[str, str] | None = None, *, workers: int = 1
    ) -> None:
        super().__init__(data, environment)
        self._workers = workers
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the suite on the folder and wait until it says ready."""
        http = self.url.removeprefix("http://") or "127.0.0.1:0"
        options = ["--http", http, "--workers", str(self._workers), "--allow-loopback-sources"]
        self._process = subprocess.Popen(
            [*VITASCOPE, "up", "--data", self.data, *options],
            stdout=subprocess.PIPE,
            env=self._environment,
            text=True,
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line.startswith("ready "):
            self._process.communicate(timeout=60)
            raise AssertionError(f"not ready: {line!r}\n{self.logs()}")
        self.url = line.split()[1]

    def stop(self) -> int:
        """Stop the suite as a user would; returns its exit status. Nothing may be left of it."""
        if self._process is None:
            return 0
        self._process.terminate()
        status = self._process.wait(60)
        self._forget()
        return status

    def ask(self, service: str, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query to a service's SQLite file."""
        with closing(sqlite3.connect(self.data / "db" / f"{service}.sqlite", timeout=30)) as rows:
            return list(rows.execute(query))

    def revive(self) -> None:
        """Do nothing: `up` starts the parts that have ended."""

    def broker(self) -> psutil.Process:
        """The embedded broker's process, once there is one."""

        def look() -> list[psutil.Process]:
            return [each for each in self.processes() if each.name() == "tansu"]

        return wait_for(look, seconds=20, what="the broker to run")[0]

    def kill_everything(self) -> None:
        """Kill -9 every process of the suite at once."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        assert self._process
        self._process.wait(10)
        self._forget()

    def _forget(self) -> None:
        if self._process and self._process.stdout:
            self._process.stdout.close()
        self._process = None
        self._see_all_gone()


def sign_in(client: httpx.Client, email: str) -> None:
    """Give the client a fresh token."""
    answer = client.get("/accounts/v1/token", auth=(email, PASSWORD))
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['jwtToken']}"


def kill(process: psutil.Process) -> None:
    """Kill -9 a process and see it gone."""
    process.send_signal(signal.SIGKILL)
    psutil.wait_procs([process], timeout=10)
