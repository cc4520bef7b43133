"""A gateway in front of the media service of a house, on a socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import vitascope
from gateway.admission import Admission
from gateway.app import Gateway
from gateway.channels import Channels
from gateway.routes import files_of
from gateway.server import http_server
from gateway.transcode import Limits
from services.chassis.clients import Clients
from tests.kit.servers import free_port, listens
from tests.kit.waiting import wait_for_async
from tests.media.house import House
from vitascope.accounts.v1.internal_pb2_grpc import IdentityServiceStub


@asynccontextmanager
async def gateway_before(house: House) -> AsyncIterator[str]:
    """Yield where the gateway answers; there is no accounts service for it to ask."""
    clients = Clients(house.backends.settings, "gateway")
    admission = Admission(clients.stub(IdentityServiceStub), ())
    channels = Channels(lambda _: house.address)
    limits = Limits(body_bytes=2**16, upload_bytes=2**24, call_seconds=20)
    gateway = Gateway(files_of(vitascope), channels, limits, "http://gateway.example", admission)
    port = free_port()
    server = http_server(gateway, f"127.0.0.1:{port}")
    serving = asyncio.create_task(server.serve())
    await wait_for_async(lambda: listens(port), what="the HTTP server")
    yield f"http://127.0.0.1:{port}"
    server.stop()  # type: ignore[no-untyped-call]
    await asyncio.wait({serving}, timeout=5)
    await channels.close()
    await clients.close()
