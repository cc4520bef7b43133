"""1,000 streams of statuses at once, 100 reports of workers a second spread over them.

The real accounts, tasks and gateway processes and the embedded broker; workers that speak the
contract, and one connection a stream, both in this process: a report's way is from the moment in
which it is handed to the worker's gRPC stream to the moment in which its line was read. Every tenth
report carries a part of the result. Memory is what the processes hold: with the streams open, at
most, and at the end of the reports. CPU is processor time a report.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from bench.ledger import servers
from bench.streams.ground import Ground, ground
from bench.streams.readers import Reader
from bench.streams.workers import Worker
from services.chassis.collecting import spare_the_collector
from vitascope.tasks.v2.specs_pb2 import ImageInfoResult

KIND = "image.info"
WORKERS = 20
OPENING_AT_ONCE = 20
SETTLING_SECONDS = 3.0
PATIENCE_SECONDS = 60.0
PARTIAL = ImageInfoResult(content_type="image/jpeg", width=3, height=4).SerializeToString()

# Where it goes to a file, the tables are not folded.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


@dataclass
class Found:
    """What was measured: the ways of reports in ms; CPU in s and memory in MiB by process."""

    streams: int
    reports: int
    ways: list[float]
    cpu: Mapping[str, float] = field(default_factory=dict)
    memory: dict[str, list[float]] = field(default_factory=dict)


def main() -> int:
    """Run the bench and print its table; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.streams",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--streams", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--rate", type=float, default=100.0, help="reports a second (100)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of reports (60)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        found = uvloop.run(_run(Path(name), options.streams, options.rate, options.seconds))
    console.print(_ways(found))
    console.print(_processes(found))
    console.print(f"load average {', '.join(f'{each:.1f}' for each in os.getloadavg())}")
    return 0


async def _run(folder: Path, streams: int, rate: float, seconds: float) -> Found:
    with servers.broker(folder) as (broker, _):
        async with ground(folder, broker) as suite:
            return await _measure(suite, streams, rate, seconds)


async def _measure(suite: Ground, streams: int, rate: float, seconds: float) -> Found:
    secret = await suite.secret()
    slots = -(-streams // WORKERS)
    workers = [Worker(suite.workers, f"w{n}", KIND, slots) for n in range(WORKERS)]
    sent: dict[tuple[str, float], float] = {}
    ways: list[float] = []

    def told(status: dict[str, Any], came: float) -> None:
        handed = sent.pop((status["key"], status["progress"]), None)
        if handed is not None:
            ways.append((came - handed) * 1000)

    readers = [Reader(told) for _ in range(streams)]
    following = await _open(readers, suite.http_address, secret)
    all_given = "all tasks to be given out"
    await _until(lambda: sum(len(each.leases) for each in workers) == streams, all_given)
    spare_the_collector()
    await asyncio.sleep(SETTLING_SECONDS)
    found = Found(streams, round(rate * seconds), ways)
    await _report(suite, workers, sent, rate, found)
    for worker in workers:
        worker.finish(PARTIAL)
    for last in await asyncio.gather(*following):
        if "key" not in last:
            raise RuntimeError(f"a stream was cut: {last}")
    for worker in workers:
        await worker.close()
    return found


async def _open(
    readers: Sequence[Reader], address: str, secret: str
) -> list[asyncio.Task[dict[str, Any]]]:
    """Create a task by each stream; return who reads on."""
    room = asyncio.Semaphore(OPENING_AT_ONCE)
    task = {"task_name": KIND, "url": "http://127.0.0.1/nothing.jpg"}

    async def open_one(reader: Reader) -> None:
        async with room:
            await reader.open(address, "/v2/create_stream", {"secret": secret, "tasks": task})

    await asyncio.gather(*map(open_one, readers))
    return [asyncio.create_task(reader.follow()) for reader in readers]


async def _until(done: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > until:
            raise RuntimeError(f"waited in vain for {what}")
        await asyncio.sleep(0.05)


async def _report(
    suite: Ground,
    workers: Sequence[Worker],
    sent: dict[tuple[str, float], float],
    rate: float,
    found: Found,
) -> None:
    """Report at a steady rate, a task after the other in no order."""
    line = [(worker, key) for worker in workers for key in worker.leases]
    random.Random(1).shuffle(line)  # noqa: S311 -- nobody is to be surprised
    found.memory = {name: [mib] for name, mib in suite.memory().items()}
    before, began = suite.cpu(), time.monotonic()
    for number in range(found.reports):
        await asyncio.sleep(began + number / rate - time.monotonic())
        worker, key = line[number % len(line)]
        percent = (number // len(line) + 1) / 8
        sent[key, percent] = time.monotonic()
        worker.report(key, percent, PARTIAL if number % 10 == 0 else None)
        if number % round(rate) == 0:
            for name, mib in suite.memory().items():
                found.memory[name].append(mib)
    await _until(lambda: not sent, "all reports to be lines")
    found.cpu = {name: seconds - before[name] for name, seconds in suite.cpu().items()}


def _ways(found: Found) -> Table:
    cuts = statistics.quantiles(found.ways, n=1000)
    table = Table(title=f"{found.streams} streams, {found.reports} reports")
    for name in ("lines", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "longest ms"):
        table.add_column(name, justify="right")
    shown = (cuts[499], cuts[899], cuts[989], cuts[998], max(found.ways))
    table.add_row(str(len(found.ways)), *(f"{each:.1f}" for each in shown))
    return table


def _processes(found: Found) -> Table:
    table = Table()
    columns = ("CPU ms a report", "open MiB", "at most MiB", "end MiB")
    table.add_column("process")
    for name in columns:
        table.add_column(name, justify="right")
    for name, memory in found.memory.items():
        shown = [found.cpu[name] * 1000 / found.reports, memory[0], max(memory), memory[-1]]
        table.add_row(name, f"{shown[0]:.2f}", *(f"{each:.1f}" for each in shown[1:]))
    return table


if __name__ == "__main__":
    sys.exit(main())
