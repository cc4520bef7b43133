"""The admin RPCs of a suite, running or not, for the commands of whoever runs it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from cli.home import SERVICES, Home, free_address
from services.chassis.clients import Clients
from services.chassis.settings import Settings
from vitascope.accounts.v1.internal_pb2_grpc import AdminServiceStub

if TYPE_CHECKING:
    from vitascope.accounts.v1.internal_pb2_grpc import AdminServiceAsyncStub

CALL_SECONDS = 30.0


@asynccontextmanager
async def admin_stub(home: Home) -> AsyncIterator["AdminServiceAsyncStub"]:
    """Give the stub of the running suite, or of an accounts service started meanwhile."""
    home.prepare()
    if (running := home.running_addresses()) is not None:
        async with _stub(home, running) as stub:
            yield stub
        return
    # The events of this folder are for its own broker; whoever listens on the default address
    # is not meant. They wait in the outbox.
    addresses = {name: free_address() for name in (*SERVICES, "broker")}
    environment = home.environment(addresses)
    log = home.logs / "accounts.log"
    with log.open("ab") as output:
        command = [sys.executable, "-m", "services.accounts"]
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=output, stderr=output
        )
    try:
        async with _stub(home, addresses) as stub:
            yield stub
    finally:
        # It may have ended by itself; its log says why.
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@asynccontextmanager
async def _stub(home: Home, addresses: Mapping[str, str]) -> AsyncIterator["AdminServiceAsyncStub"]:
    environment = home.environment(addresses)
    names = {name: f"VITASCOPE_{name.upper()}" for name in Settings.model_fields}
    given = {name: environment[key] for name, key in names.items() if key in environment}
    clients = Clients(Settings.model_validate(given), "cli")
    try:
        yield clients.stub(AdminServiceStub)
    finally:
        await clients.close()
