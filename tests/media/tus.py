"""Uploads in several requests as HTTP clients make them: gateway and media service over sockets."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import update

import vitascope
from gateway.admission import Admission
from gateway.app import Gateway
from gateway.channels import Channels
from gateway.routes import files_of
from gateway.server import http_server
from gateway.transcode import Limits as HttpLimits
from services.chassis.clients import Clients
from services.chassis.database import now
from services.chassis.limits import UNLIMITED, Limits
from services.media.store import tables
from tests.kit.servers import free_port, listens
from tests.kit.waiting import wait_for_async
from tests.media.house import FakeCatalogue, House, bearer, open_house
from vitascope.accounts.v1.internal_pb2_grpc import IdentityServiceStub

TUS = {"tus-resumable": "1.0.0"}
BYTES = {**TUS, "content-type": "application/offset+octet-stream"}


def metadata(**values: str) -> str:
    """The header `Upload-Metadata`."""
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in values.items())


@dataclass
class Desk:
    """The service behind the gateway at `url`, and a client with a token of the team."""

    house: House
    url: str
    client: httpx.AsyncClient

    @property
    def address(self) -> str:
        """Where uploads begin."""
        return f"{self.url}/media/v1/tus"

    async def create(self, video_id: str, length: int, **headers: str) -> str:
        """Begin an upload and return its address."""
        answer = await self.client.post(
            self.address,
            headers={
                **TUS,
                "upload-length": str(length),
                "upload-metadata": metadata(videoId=video_id, filename="reel 1.mov"),
                **headers,
            },
        )
        assert answer.status_code == 201, answer.text
        return str(answer.headers["location"])

    async def patch(
        self, address: str, offset: int, content: Any, **headers: str
    ) -> httpx.Response:
        """Send bytes."""
        every = {**BYTES, "upload-offset": str(offset), **headers}
        return await self.client.patch(address, headers=every, content=content)

    async def offset(self, address: str) -> int:
        """How far an upload is, as HEAD says."""
        answer = await self.client.head(address, headers=TUS)
        assert answer.status_code == 200, answer.status_code
        return int(answer.headers["upload-offset"])

    async def age(self, by: timedelta) -> None:
        """Make every upload look as if its last bytes came that much earlier."""
        async with self.house.backends.database.transaction() as tx:
            rows = update(tables.resumables)
            await tx.execute(rows.values(expires_at=now() + timedelta(days=1) - by))


@asynccontextmanager
async def open_desk(
    folder: Path,
    *,
    limits: Limits = UNLIMITED,
    catalogue: FakeCatalogue | None = None,
    **changes: Any,
) -> AsyncIterator[Desk]:
    """The service on a folder behind a gateway; `changes` are settings."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with open_house(
        folder, limits=limits, catalogue=catalogue, public_url=url, **changes
    ) as house:
        settings = house.backends.settings
        clients = Clients(settings, "gateway")
        admission = Admission(clients.stub(IdentityServiceStub), ())
        channels = Channels(lambda _: house.address)
        http = HttpLimits(2**16, settings.max_upload_bytes, call_seconds=20)
        gateway = Gateway(files_of(vitascope), channels, http, url, admission)
        server = http_server(gateway, f"127.0.0.1:{port}")
        serving = asyncio.create_task(server.serve())
        await wait_for_async(lambda: listens(port), what="the HTTP server")
        async with httpx.AsyncClient(headers=dict(bearer()), timeout=30) as client:
            yield Desk(house, url, client)
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait({serving}, timeout=5)
        await channels.close()
        await clients.close()
