"""The admin RPCs of a suite's services, running or not, for the commands of whoever runs it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import grpc

from cli.home import SERVICES, Home, free_address
from services.chassis.clients import Clients
from services.chassis.settings import Service, Settings

Stub = TypeVar("Stub")

CALL_SECONDS = 30.0


@asynccontextmanager
async def admin_stub(
    home: Home, service: Service, stub_class: Callable[[grpc.aio.Channel], Stub]
) -> AsyncIterator[Stub]:
    """Give the stub of the running suite's service, or of one that is started meanwhile."""
    home.prepare()
    if (running := home.running_addresses()) is not None:
        async with _stub(home, running, stub_class) as stub:
            yield stub
        return
    # The events of this folder are for its own broker; whoever listens on the default address
    # is not meant. They wait in the outbox.
    addresses = {name: free_address() for name in (*SERVICES, "broker")}
    environment = home.environment(addresses)
    log = home.logs / f"{service}.log"
    with log.open("ab") as output:
        command = [sys.executable, "-m", f"services.{service}"]
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=output, stderr=output
        )
    try:
        async with _stub(home, addresses, stub_class) as stub:
            yield stub
    finally:
        # It may have ended by itself; its log says why.
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def settings_of(home: Home, addresses: Mapping[str, str]) -> Settings:
    """Return the settings of a suite whose parts are at these addresses."""
    environment = home.environment(addresses)
    names = {name: f"VITASCOPE_{name.upper()}" for name in Settings.model_fields}
    given = {name: environment[key] for name, key in names.items() if key in environment}
    return Settings.model_validate(given)


@asynccontextmanager
async def _stub(
    home: Home, addresses: Mapping[str, str], stub_class: Callable[[grpc.aio.Channel], Stub]
) -> AsyncIterator[Stub]:
    clients = Clients(settings_of(home, addresses), "cli")
    try:
        yield clients.stub(stub_class)
    finally:
        await clients.close()
