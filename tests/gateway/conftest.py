"""The lab behind a gateway, driven without sockets and over real ones."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.app import Gateway
from gateway.server import http_server
from tests.gateway.lab import Lab, running_lab
from tests.kit.servers import free_port, listens
from tests.kit.waiting import wait_for_async


@pytest.fixture
async def suite() -> AsyncIterator[tuple[Lab, Gateway]]:
    async with running_lab() as both:
        yield both


@pytest.fixture
def lab(suite: tuple[Lab, Gateway]) -> Lab:
    return suite[0]


@pytest.fixture
def app(suite: tuple[Lab, Gateway]) -> Gateway:
    return suite[1]


@pytest.fixture
async def client(app: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the ASGI application directly."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://lab.test") as client:
        yield client


@pytest.fixture
def header_milliseconds() -> int:
    """How long the server waits for headers; short, as some tests see it end."""
    return 2000


@pytest.fixture
async def port(app: Gateway, header_milliseconds: int) -> AsyncIterator[int]:
    """The port of a real HTTP server around the gateway."""
    number = free_port()
    server = http_server(app, f"127.0.0.1:{number}", header_timeout=header_milliseconds)
    serving = asyncio.create_task(server.serve())
    await wait_for_async(lambda: listens(number), what="the HTTP server")
    yield number
    server.stop()  # type: ignore[no-untyped-call]
    _, running = await asyncio.wait({serving}, timeout=1)
    if running:
        app.abort()
        serving.cancel()


@pytest.fixture
async def wire(port: int) -> AsyncIterator[httpx.AsyncClient]:
    """Calls over a real socket."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client


@pytest.fixture
def line(port: int) -> socket.socket:
    """A bare connection, for what no HTTP client would send."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    return connection
