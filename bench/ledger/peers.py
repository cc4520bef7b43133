"""The peers: Celery with Redis, and procrastinate with PostgreSQL."""

import json
import socket
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

import asyncpg
import psutil

from bench.ledger.contest import Groups
from bench.processes import started

ROOT = Path(__file__).parents[2]
CONCURRENCY = "2"


class _Peer:
    """A peer whose own side is a module that runs in the peers' environment."""

    def __init__(self, python: Path, module: str, folder: Path, variable: tuple[str, str]) -> None:
        self._python = python
        self._module = module
        self._log = folder / f"{module}.log"
        self._environment = {"PYTHONPATH": str(ROOT), variable[0]: variable[1]}

    async def queue(self, count: int) -> None:
        """Queue items."""
        self._ask("queue", count)

    async def settled(self) -> bool:
        """Nothing is published besides."""
        return True

    async def round_trips(self, count: int) -> list[float]:
        """Return the milliseconds of items one after the other."""
        times: list[float] = json.loads(self._ask("round_trips", count))
        return times

    def _ask(self, what: str, count: int) -> str:
        command = [str(self._python), *self._main(), what, str(count)]
        return subprocess.check_output(command, env=self._environment, text=True)

    def _main(self) -> tuple[str, str]:
        # Not `-m`: the module must go by its own name.
        return "-c", f"from {self._module} import main; main()"

    def _started(self, *command: str) -> AbstractContextManager[psutil.Process]:
        return started([self._python, *command], self._log, environment=self._environment)


class Celery(_Peer):
    """Celery, acknowledging late, its results in Redis too."""

    def __init__(
        self, name: str, python: Path, folder: Path, redis: tuple[str, psutil.Process]
    ) -> None:
        super().__init__(python, "bench.ledger.peer_celery", folder, ("PEER_REDIS", redis[0]))
        self.name = name
        self._redis = redis
        self._queued = 0

    def servers(self) -> Groups:
        """Return Redis."""
        return {"redis": self._redis[1]}

    def worker(self) -> AbstractContextManager[psutil.Process]:
        """Run Celery's worker with two processes."""
        app = ["--app", self._module]
        return self._started("-m", "celery", *app, "worker", "--concurrency", CONCURRENCY)

    async def queue(self, count: int) -> None:
        """Queue items."""
        await super().queue(count)
        self._queued += count

    async def left(self) -> int:
        """Return the queued ones without a result; results are the only keys that expire."""
        address = self._redis[0].removeprefix("redis://").partition("/")[0]
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port))) as line:
            line.sendall(b"INFO keyspace\r\n")
            answer = line.recv(4096).decode()
        _, found, rest = answer.partition("expires=")
        return self._queued - (int(rest.partition(",")[0]) if found else 0)

    async def round_trips(self, count: int) -> list[float]:
        """Return the milliseconds of items one after the other."""
        self._queued += count
        return await super().round_trips(count)


class Procrastinate(_Peer):
    """Procrastinate, keeping the jobs that ended, as it does by itself."""

    def __init__(self, name: str, python: Path, folder: Path, url: str, server: psutil.Process):
        variable = ("PEER_POSTGRES", url)
        super().__init__(python, "bench.ledger.peer_procrastinate", folder, variable)
        self.name = name
        self._url = url
        self._server = server
        self._ask("prepare", 0)

    def servers(self) -> Groups:
        """Return PostgreSQL."""
        return {"database": self._server}

    def worker(self) -> AbstractContextManager[psutil.Process]:
        """Run a worker that does two jobs at once."""
        return self._started(*self._main(), "work", CONCURRENCY)

    async def left(self) -> int:
        """Return the jobs that wait or run."""
        connection = await asyncpg.connect(self._url)
        try:
            unended = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
            return int(await connection.fetchval(unended))
        finally:
            await connection.close()
