"""For all tests: no network but this machine's own, and real servers, one of each a session."""

import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.broker import embedded_broker
from tests.kit.kafka import kafka_server
from tests.kit.postgres import create_database, drop_database, postgres_server
from tests.kit.s3 import s3_server
from tests.kit.servers import free_port


def pytest_configure(config: pytest.Config) -> None:
    # When a connection is cancelled or cannot be opened, its thread tells the event loop so a
    # moment later; the loop of a test may be gone by then.
    thread = "Exception in thread .*_connection_worker_thread"
    warning = "pytest.PytestUnhandledThreadExceptionWarning"
    config.addinivalue_line("filterwarnings", f"ignore:{thread}:{warning}")


@pytest.fixture(scope="session", autouse=True)
def _closed_network() -> Iterator[None]:
    """Refuse connections that would leave the machine."""
    patch = pytest.MonkeyPatch()
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def check(family: int, address: Any) -> None:
        if family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0]):
            raise OSError(f"tests may not connect to {address[0]}")

    def is_loopback(host: str) -> bool:
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def guarded(self: socket.socket, address: Any) -> None:
        check(self.family, address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        check(self.family, address)
        return connect_ex(self, address)

    patch.setattr(socket.socket, "connect", guarded)
    patch.setattr(socket.socket, "connect_ex", guarded_ex)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """`postgresql://USER@HOST:PORT` of a PostgreSQL server."""
    with postgres_server() as address:
        yield address


@pytest.fixture
async def postgres_url(postgres: str) -> AsyncIterator[str]:
    """The URL of an empty PostgreSQL database, dropped afterwards."""
    url = await create_database(postgres)
    yield url
    await drop_database(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path}/test.sqlite"


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`HOST:PORT` of Apache Kafka."""
    with kafka_server(tmp_path_factory.mktemp("kafka")) as address:
        yield address


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`HOST:PORT` of the embedded broker."""
    port = free_port()
    with embedded_broker(port, tmp_path_factory.mktemp("broker") / "broker.log"):
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The `s3://` URL of a bucket; tests use keys of their own in it."""
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address
