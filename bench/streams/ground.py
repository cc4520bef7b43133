"""The processes that streams go through, started alone: accounts, the ledger and the gateway."""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import psutil

from bench.gateway.processes import EMAIL, PASSWORD
from bench.processes import cpu_seconds, free_address, started
from cli.home import SERVICES, Home
from services.chassis.clients import Clients
from services.chassis.settings import Settings
from vitascope.accounts.v1.internal_pb2 import AddKeysRequest, AddUserRequest
from vitascope.accounts.v1.internal_pb2_grpc import AdminServiceStub

MIB = 2**20
PREFIX = "VITASCOPE_"


class Ground:
    """The running processes. `workers` is the clients of workers."""

    def __init__(
        self, environment: Mapping[str, str], processes: Mapping[str, psutil.Process]
    ) -> None:
        ours = [name for name in environment if name.startswith(PREFIX)]
        named = {name.removeprefix(PREFIX).lower(): name for name in ours}
        known = named.keys() & Settings.model_fields.keys()
        variables = {name: environment[named[name]] for name in known}
        self.environment = environment
        self.settings = Settings.model_validate(variables)
        self.processes = processes
        self.workers = Clients(self.settings, "worker")

    @property
    def http_address(self) -> str:
        """Where REST is."""
        return self.settings.http_address

    def memory(self) -> dict[str, float]:
        """Return the resident memory of each process in MiB."""
        return {name: each.memory_info().rss / MIB for name, each in self.processes.items()}

    def cpu(self) -> dict[str, float]:
        """Return the processor time that each process took so far, in s."""
        return {name: cpu_seconds(each) for name, each in self.processes.items()}

    async def secret(self) -> str:
        """Add an account; return its secret key."""
        clients = Clients(self.settings, "cli")
        accounts = clients.stub(AdminServiceStub)
        await accounts.AddUser(AddUserRequest(email=EMAIL, password=PASSWORD))
        keys = await accounts.AddKeys(AddKeysRequest(email=EMAIL))
        await clients.close()
        return keys.secret


@asynccontextmanager
async def ground(folder: Path, broker: str) -> AsyncIterator[Ground]:
    """Run the processes in a folder, with or without a broker at that address."""
    home = Home(folder / "home")
    home.prepare()
    addresses = {service: free_address() for service in SERVICES} | {"broker": broker}
    environment = home.environment(addresses)
    http = environment["VITASCOPE_HTTP_ADDRESS"] = free_address()
    with ExitStack() as stack:
        processes = {}
        for name, module, address in (
            ("accounts", "services.accounts", addresses["accounts"]),
            ("ledger", "services.tasks", addresses["tasks"]),
            ("gateway", "gateway", http),
        ):
            command = [sys.executable, "-m", module]
            log = home.logs / f"{name}.log"
            processes[name] = stack.enter_context(started(command, log, address, environment))
        del processes["accounts"]
        running = Ground(environment, processes)
        try:
            yield running
        finally:
            await running.workers.close()
