"""Commands for whoever runs the suite: users and their Tasks API keys."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from cli.home import SERVICES, Home, free_address
from services.chassis.clients import Clients
from services.chassis.settings import Settings
from vitascope.accounts.v1 import internal_pb2
from vitascope.accounts.v1.internal_pb2_grpc import AdminServiceStub

if TYPE_CHECKING:
    from vitascope.accounts.v1.internal_pb2_grpc import AdminServiceAsyncStub

CALL_SECONDS = 30.0


async def add_user(home: Home, email: str, password: str, name: str, team: str) -> dict[str, str]:
    """Add a user and return `user_id` and `team_id`."""
    request = internal_pb2.AddUserRequest(email=email, password=password, name=name, team=team)
    async with _admin(home) as admin:
        added = await admin.AddUser(request, timeout=CALL_SECONDS, wait_for_ready=True)
    return {"user_id": added.user_id, "team_id": added.team_id}


async def add_keys(home: Home, email: str, referrers: list[str]) -> dict[str, str]:
    """Make a secret and an API key for a user and return both; they are not kept readable."""
    request = internal_pb2.AddKeysRequest(email=email, referrers=referrers)
    async with _admin(home) as admin:
        added = await admin.AddKeys(request, timeout=CALL_SECONDS, wait_for_ready=True)
    return {"secret": added.secret, "api_key": added.api_key}


@asynccontextmanager
async def _admin(home: Home) -> AsyncIterator["AdminServiceAsyncStub"]:
    """The admin RPCs of the running suite, or of an accounts service started for this call."""
    home.prepare()
    if home.is_running():
        addresses = json.loads(home.addresses_file.read_text())
        async with _stub(home, addresses) as stub:
            yield stub
        return
    addresses = {name: free_address() for name in SERVICES}
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
