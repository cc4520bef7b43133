"""The whole service making thumbnails, beside thumbor.

Both read real pictures over HTTP from this process, each under an address that was never asked for
before, and keep nothing of them. Thumbor has two processes and answers with the thumbnail; our
suite as `vitascope up` runs it has one worker with two slots, is asked by `GET /v2/create_file`,
and answers with the address of the stored thumbnail, which is read too. A thumbnail's time goes
from asking to its last byte. CPU is of all processes of either. Ours stores task, status and
thumbnail for good; thumbor forgets all.

Who wants many of the Tasks API sends them together: the row `together` is of `POST /v2/create` with
25 tasks, two such requests at once, whose answers leave when all 25 have ended. Thumbor has nothing
like it.
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
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
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
TOGETHER = 25
WARM_UP = 40
EMAIL, PASSWORD = "bench@vitascope.example", "correct horse battery"

Thumbnails = Callable[[httpx.AsyncClient, Sequence[str]], Awaitable[list[bytes]]]


@dataclass(frozen=True)
class Way:
    """A way to ask for thumbnails: so many `together`, and so many such requests `at_once`."""

    ask: Thumbnails
    process: psutil.Process
    together: int = 1
    at_once: int = AT_ONCE


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
    found: dict[str, list[Measured]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name, _pictures() as source:
        folder = Path(name)
        with _ours(folder) as ours, _thumbor(folder) as thumbor:
            for _ in range(rounds):
                for label, way in {**ours, "thumbor": thumbor}.items():
                    found[label].append(asyncio.run(_load(way, source, requests)))
    table = Table("", "thumbnails/s", "p50 ms", "p99 ms", "CPU ms each", "rate / thumbor's")
    theirs = statistics.median(each.rate for each in found["thumbor"])
    for label, all_rounds in found.items():
        middle = {
            figure: statistics.median(getattr(each, figure) for each in all_rounds)
            for figure in ("rate", "p50", "p99", "cpu")
        }
        table.add_row(
            label,
            f"{middle['rate']:.1f}",
            *(f"{middle[figure]:.0f}" for figure in ("p50", "p99", "cpu")),
            f"{middle['rate'] / theirs:.2f}",
        )
    console.print(f"{requests} thumbnails, {AT_ONCE} at once, to a width of {WIDTH}")
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
def _ours(folder: Path) -> Iterator[dict[str, Way]]:
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

        base, authorized = f"http://{address}/v2", {"authorization": f"Secret {secret}"}

        async def one(client: httpx.AsyncClient, sources: Sequence[str]) -> list[bytes]:
            query = f"task_name=image.thumb&width={WIDTH}&url={quote(sources[0], safe='')}"
            url = f"{base}/create_file?{query}&secret={secret}"
            answer = await client.get(url, follow_redirects=True)
            return [answer.raise_for_status().content]

        async def many(client: httpx.AsyncClient, sources: Sequence[str]) -> list[bytes]:
            tasks = [{"task_name": "image.thumb", "width": WIDTH, "url": each} for each in sources]
            asked = {"tasks": tasks, "block": True}
            answer = await client.post(f"{base}/create", json=asked, headers=authorized)
            places = [each["result"]["output"] for each in answer.raise_for_status().json()]
            answers = await asyncio.gather(*map(client.get, places))
            return [each.raise_for_status().content for each in answers]

        yield {
            "ours": Way(one, process),
            f"ours, {TOGETHER} together": Way(many, process, TOGETHER, 2),
        }


@contextmanager
def _thumbor(folder: Path) -> Iterator[Way]:
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

        async def ask(client: httpx.AsyncClient, sources: Sequence[str]) -> list[bytes]:
            url = f"http://{address}/unsafe/{WIDTH}x0/{quote(sources[0], safe='')}"
            return [(await client.get(url)).raise_for_status().content]

        yield Way(ask, process)


async def _load(way: Way, source: Callable[[], str], requests: int) -> Measured:
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(trust_env=False, timeout=60, limits=limits) as client:
        await _ask_all(way, client, source, WARM_UP)
        cpu, began = -cpu_seconds(way.process), time.perf_counter()
        times = await _ask_all(way, client, source, requests)
        wall = time.perf_counter() - began
        cpu += cpu_seconds(way.process)
    percent = statistics.quantiles(times, n=100)
    return Measured(requests / wall, 1000 * percent[49], 1000 * percent[98], 1000 * cpu / requests)


async def _ask_all(
    way: Way, client: httpx.AsyncClient, source: Callable[[], str], requests: int
) -> list[float]:
    """The seconds that each thumbnail took."""
    left = iter(range(requests // way.together))
    times: list[float] = []

    async def one_by_one() -> None:
        for _ in left:
            began = time.perf_counter()
            made = await way.ask(client, [source() for _ in range(way.together)])
            if any(len(each) < 1000 for each in made):
                raise RuntimeError("an answer is no picture")
            times.extend([time.perf_counter() - began] * way.together)

    await asyncio.gather(*(one_by_one() for _ in range(way.at_once)))
    return times
