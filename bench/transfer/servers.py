"""The servers that files go through: our suite, nginx, and tusd in a program of its own."""

import asyncio
import base64
import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import psutil

from bench.gateway.processes import EMAIL, PASSWORD
from bench.ledger.servers import Missing, broker
from bench.ledger.suite import PREFIX
from bench.processes import free_address, started
from cli.home import SERVICES, Home
from services.chassis.clients import Clients
from services.chassis.settings import Settings
from vitascope.accounts.v1.internal_pb2 import AddUserRequest
from vitascope.accounts.v1.internal_pb2_grpc import AdminServiceStub

# Those of our processes that the bytes go through.
OURS = ("gateway", "media")
_PEER = Path(__file__).with_name("peer_go")
_NGINX = """
daemon off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    sendfile on;
    client_max_body_size 0;
    client_body_temp_path {folder}/incoming;
    server {{
        listen {address};
        root {folder}/files;
        location / {{ dav_methods PUT; }}
    }}
}}
"""


@dataclass(frozen=True)
class Server:
    """Something that files go through, and its processes by what they are."""

    url: str
    processes: dict[str, psutil.Process]


@contextmanager
def nginx(folder: Path) -> Iterator[Server]:
    """Run nginx, which sends its files by sendfile and takes new ones by PUT."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise Missing("nginx (Debian: apt install nginx-light)")
    address, own = free_address(), folder / "nginx"
    (own / "files").mkdir(parents=True)
    configuration = _NGINX.format(address=address, folder=own)
    if os.geteuid() == 0:
        configuration = f"user {pwd.getpwuid(0).pw_name};{configuration}"
    (own / "nginx.conf").write_text(configuration)
    with started([program, "-c", own / "nginx.conf"], folder / "nginx.log", address) as process:
        yield Server(f"http://{address}", {"nginx": process})


@contextmanager
def tusd(folder: Path) -> Iterator[Server]:
    """Build and run tusd's handler. Go's module proxy is asked for what is not there yet."""
    go = shutil.which("go")
    if go is None:
        raise Missing("a Go toolchain (Debian: apt install golang)")
    program, address, own = folder / "tusd", free_address(), folder / "uploads"
    own.mkdir()
    build = [go, "build", "-o", str(program), "."]
    done = subprocess.run(build, cwd=_PEER, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"tusd: it cannot be built:\n{done.stderr[-2000:]}")
    with started([program, address, own], folder / "tusd.log", address) as process:
        yield Server(f"http://{address}", {"tusd": process})


@contextmanager
def suite(folder: Path) -> Iterator[Server]:
    """Run the services, the broker and the gateway, but no worker; with a user."""
    home = Home(folder / "suite")
    home.prepare()
    with ExitStack() as stack:
        broker_address, _ = stack.enter_context(broker(folder))
        addresses = {name: free_address() for name in (*SERVICES, "http")}
        environment = home.environment(addresses | {"broker": broker_address})
        parts = {}
        for name in (*SERVICES, "gateway"):
            module = name if name == "gateway" else f"services.{name}"
            address = addresses["http" if name == "gateway" else name]
            command = [sys.executable, "-m", module]
            log = home.logs / f"{name}.log"
            parts[name] = stack.enter_context(started(command, log, address, environment))
        asyncio.run(_add_user(environment))
        yield Server(f"http://{addresses['http']}", {name: parts[name] for name in OURS})


async def _add_user(environment: Mapping[str, str]) -> None:
    variables = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    clients = Clients(Settings.model_validate(variables), "cli")
    await clients.stub(AdminServiceStub).AddUser(AddUserRequest(email=EMAIL, password=PASSWORD))
    await clients.close()


def token(url: str) -> str:
    """A token of the user, for 15 minutes."""
    basic = base64.b64encode(f"{EMAIL}:{PASSWORD}".encode()).decode()
    return str(_asked(f"{url}/accounts/v1/token", "GET", f"Basic {basic}")["jwtToken"])


def new_video(url: str, bearer: str) -> str:
    """The id of a new video."""
    body = {"name": "a film"}
    return str(_asked(f"{url}/videos/v1/video", "PUT", f"Bearer {bearer}", body)["videoId"])


def _asked(
    url: str, method: str, authorization: str, body: dict[str, str] | None = None
) -> dict[str, str]:
    headers = {"authorization": authorization, "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, headers, method=method)  # noqa: S310 -- our own address
    with urlopen(request, timeout=30) as answer:  # noqa: S310 -- our own address
        found: dict[str, str] = json.load(answer)
    return found
