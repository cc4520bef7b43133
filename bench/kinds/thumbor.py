"""The whole service making thumbnails, beside thumbor.

Both read real pictures over HTTP from this process, each under an address that was never asked for
before, and keep nothing of them. Thumbor has two processes and answers with the thumbnail; our
suite as `vitascope up` runs it has one worker with two slots, is asked by `GET /v2/create_file`,
and answers with the address of the stored thumbnail, which is read too. A request's time goes from
asking to the last byte. CPU is of all processes of either. Ours stores task, status and thumbnail
for good; thumbor forgets all.
"""

import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
from rich.table import Table

from bench.kinds.images import MEDIA, console
from bench.processes import cpu_seconds, free_address, started

PICTURES = (
    "image_photo/nikon_e885_1_3mp.jpg",
    "image_photo/noface_prairie_falcon.jpg",
    "image_faces/man_and_baby_upright.jpg",
    "image_faces/man_on_bench.jpg",
    "image_faces/obama.jpg",
    "image_orientation/landscape_6.jpg",
    "image_photo/kodim03.png",
    "image/webp_photo.webp",
    "image_photo/jpeg_22mp_5760x3840.jpg",
)
WIDTH = 320
AT_ONCE = 8
WARM_UP = 40
EMAIL, PASSWORD = "bench@vitascope.example", "correct horse battery"

Thumbnail = Callable[[httpx.AsyncClient, str], Awaitable[bytes]]


@dataclass(frozen=True)
class Measured:
    """Thumbnails a second, milliseconds of each, and of processor time for each."""

    rate: float
    p50: float
    p99: float
    cpu: float


def measure(rounds: int, requests: int = 300) -> None:
    """Print how many thumbnails a second there are, and how long each takes."""
    console.print(__doc__)
    found: dict[str, list[Measured]] = {"ours": [], "thumbor": []}
    with tempfile.TemporaryDirectory() as name, _pictures() as source:
        folder = Path(name)
        with _ours(folder) as ours, _thumbor(folder) as thumbor:
            for _ in range(rounds):
                for label, (ask, process) in {"ours": ours, "thumbor": thumbor}.items():
                    found[label].append(asyncio.run(_load(ask, source, requests, process)))
    table = Table("", "thumbnails/s", "p50 ms", "p99 ms", "CPU ms each", "rate, ours / its")
    best = statistics.median(each.rate for each in found["ours"])
    for label, all_rounds in found.items():
        middle = {
            figure: statistics.median(getattr(each, figure) for each in all_rounds)
            for figure in ("rate", "p50", "p99", "cpu")
        }
        table.add_row(
            label,
            f"{middle['rate']:.1f}",
            *(f"{middle[figure]:.0f}" for figure in ("p50", "p99", "cpu")),
            f"{best / middle['rate']:.2f}",
        )
    console.print(f"{requests} requests, {AT_ONCE} at once, to a width of {WIDTH}")
    console.print(table)


@contextmanager
def _pictures() -> Iterator[Callable[[], str]]:
    """Serve the pictures; yields who tells a fresh address of the next one."""
    contents = [(MEDIA / name).read_bytes() for name in PICTURES]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = contents[int(self.path.split("/")[2])]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    numbers = itertools.count()

    def fresh() -> str:
        number = next(numbers)
        return f"http://127.0.0.1:{server.server_port}/{number}/{number % len(contents)}"

    try:
        yield fresh
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _ours(folder: Path) -> Iterator[tuple[Thumbnail, psutil.Process]]:
    data, address = folder / "suite", free_address()
    vitascope = [sys.executable, "-m", "cli.main"]
    up = [*vitascope, "up", "--data", str(data), "--http", address, "--allow-loopback-sources"]
    with started(up, folder / "suite.log", address) as process:
        about = ("--data", str(data), "--email", EMAIL)
        subprocess.run(
            [*vitascope, "users", "add", *about, "--password", PASSWORD],
            check=True,
            capture_output=True,
        )
        keys = subprocess.check_output([*vitascope, "keys", "add", *about])
        secret = json.loads(keys)["secret"]

        async def ask(client: httpx.AsyncClient, source: str) -> bytes:
            query = f"task_name=image.thumb&width={WIDTH}&url={quote(source, safe='')}"
            url = f"http://{address}/v2/create_file?{query}&secret={secret}"
            answer = await client.get(url, follow_redirects=True)
            return answer.raise_for_status().content

        yield ask, process


@contextmanager
def _thumbor(folder: Path) -> Iterator[tuple[Thumbnail, psutil.Process]]:
    """Install thumbor, for this run only, and run it."""
    environment = folder / "peer"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pins = Path(__file__).with_name("thumbor.txt")
    pip: list[str | Path] = [environment / "bin" / "python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", "-r", pins], check=True)
    settings = folder / "thumbor.conf"
    settings.write_text(
        "STORAGE = 'thumbor.storages.no_storage'\nQUALITY = 90\nRESPECT_ORIENTATION = True\n"
    )
    address = free_address()
    host, _, port = address.rpartition(":")
    command = [str(environment / "bin" / "thumbor"), "--ip", host, "--port", port]
    command += ["--processes", "2", "--conf", str(settings)]
    with started(command, folder / "thumbor.log", address) as process:

        async def ask(client: httpx.AsyncClient, source: str) -> bytes:
            url = f"http://{address}/unsafe/{WIDTH}x0/{quote(source, safe='')}"
            return (await client.get(url)).raise_for_status().content

        yield ask, process


async def _load(
    ask: Thumbnail, source: Callable[[], str], requests: int, process: psutil.Process
) -> Measured:
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(trust_env=False, timeout=60, limits=limits) as client:
        await _ask_all(ask, client, source, WARM_UP)
        cpu, began = -cpu_seconds(process), time.perf_counter()
        times = await _ask_all(ask, client, source, requests)
        wall = time.perf_counter() - began
        cpu += cpu_seconds(process)
    percent = statistics.quantiles(times, n=100)
    return Measured(requests / wall, 1000 * percent[49], 1000 * percent[98], 1000 * cpu / requests)


async def _ask_all(
    ask: Thumbnail, client: httpx.AsyncClient, source: Callable[[], str], requests: int
) -> list[float]:
    """The seconds that each request took."""
    left = iter(range(requests))
    times: list[float] = []

    async def one_by_one() -> None:
        for _ in left:
            began = time.perf_counter()
            if len(await ask(client, source())) < 1000:
                raise RuntimeError("an answer is no picture")
            times.append(time.perf_counter() - began)

    await asyncio.gather(*(one_by_one() for _ in range(AT_ONCE)))
    return times
