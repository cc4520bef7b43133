"""The processes under test: the accounts service, the gateways in front of it, one user."""

import asyncio
import base64
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil

from bench.processes import free_address, started
from services.chassis.clients import Clients
from services.chassis.settings import Settings
from vitascope.accounts.v1.accounts_pb2 import CreateTokenRequest, GetAccountRequest
from vitascope.accounts.v1.accounts_pb2_grpc import AccountsServiceStub
from vitascope.accounts.v1.internal_pb2 import AddUserRequest
from vitascope.accounts.v1.internal_pb2_grpc import AdminServiceStub

EMAIL, PASSWORD = "bench@example.org", "a password for the bench"
PATH = "/accounts/v1/account"
ITSELF = "gRPC itself"
METHOD = "/vitascope.accounts.v1.AccountsService/GetAccount"


@dataclass(frozen=True)
class Front:
    """What takes the requests: a gRPC server, or a gateway in front of it."""

    name: str
    address: str
    process: psutil.Process
    is_grpc: bool = False

    def cpu_seconds(self) -> float:
        """Return the processor time that its processes have taken so far."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(each.cpu_times()[:2]) for each in family)


def _environment(folder: Path, http_address: str) -> dict[str, str]:
    settings = settings_of(folder)
    return {
        "VITASCOPE_INTERNAL_KEY": settings.internal_key.get_secret_value(),
        "VITASCOPE_ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
        "VITASCOPE_DATABASE_URL": settings.database_url,
        "VITASCOPE_HTTP_ADDRESS": http_address,
    }


_KEYS = (secrets.token_hex(32), secrets.token_hex(32))


def settings_of(folder: Path) -> Settings:
    """Return the settings of the processes whose data lie in the folder."""
    return Settings.model_validate(
        {
            "internal_key": _KEYS[0],
            "encryption_key": _KEYS[1],
            "database_url": f"sqlite:///{folder}/{{service}}.sqlite",
        }
    )


@contextmanager
def accounts_service(folder: Path) -> Iterator[Front]:
    """Run the real accounts service."""
    address = free_address()
    command = ["env", f"VITASCOPE_ACCOUNTS_ADDRESS={address}", sys.executable]
    command += ["-m", "services.accounts"]
    own = _environment(folder, address)
    with started(command, _log(folder, address), address, own) as process:
        yield Front(ITSELF, address, process, is_grpc=True)


@contextmanager
def fronts(backend: Front, go_peer: Path | None, folder: Path) -> Iterator[list[Front]]:
    """Run every gateway in front of a backend; yield them after the backend itself."""
    module = "bench.gateway.peer_starlette:app"
    granian: list[str | Path] = [Path(sys.executable).with_name("granian"), "--interface", "asgi"]
    ours, starlette, go = (free_address() for _ in range(3))
    known: list[str | Path] = ["env", f"VITASCOPE_ACCOUNTS_ADDRESS={backend.address}"]
    port = starlette.rpartition(":")[2]
    commands: dict[tuple[str, str], list[str | Path]] = {
        ("gateway", ours): [*known, sys.executable, "-m", "gateway"],
        ("Starlette", starlette): [*known, *granian, "--port", port, module],
    }
    if go_peer:
        commands["grpc-gateway", go] = [go_peer, "gateway", go, backend.address]
    with ExitStack() as stack:
        found = [backend]
        for (name, address), command in commands.items():
            own = _environment(folder, address)
            log = _log(folder, address)
            process = stack.enter_context(started(command, log, address, own))
            found.append(Front(name, address, process))
        yield found


async def token_of_a_user(address: str, folder: Path) -> str:
    """Add a user to the accounts service; return a token of 15 minutes."""
    settings = settings_of(folder).model_copy(update={"accounts_address": address})
    clients = Clients(settings, "cli")
    await clients.stub(AdminServiceStub).AddUser(AddUserRequest(email=EMAIL, password=PASSWORD))
    await clients.close()
    basic = base64.b64encode(f"{EMAIL}:{PASSWORD}".encode()).decode()
    async with grpc.aio.insecure_channel(address) as channel:
        answer = await AccountsServiceStub(channel).CreateToken(
            CreateTokenRequest(), metadata=(("authorization", f"Basic {basic}"),)
        )
    return answer.jwt_token


def answer_of(address: str, token: str) -> bytes:
    """Return the serialized answer to the request that is measured."""

    async def ask() -> bytes:
        async with grpc.aio.insecure_channel(address) as channel:
            answer = await AccountsServiceStub(channel).GetAccount(
                GetAccountRequest(), metadata=(("authorization", f"Bearer {token}"),)
            )
        return answer.SerializeToString()

    return asyncio.run(ask())


def _log(folder: Path, address: str) -> Path:
    return folder / f"{address.rpartition(':')[2]}.log"
