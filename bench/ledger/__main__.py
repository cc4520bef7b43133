"""How fast the ledger is, with its worker and sandbox, beside Celery and procrastinate.

Everything runs in one go on this machine, one after the other, with nothing else to do: compare
within a run. Each does nothing at all, two items at once.

  round trip   one item, from submitting it to knowing its result, on an idle system
  backlog      many items queued while nobody works; from the first end to the last
  rows         the cost of an item by how many are on record already; ours only

The processor time of a backlog is per item and by group of processes, its workers' start left out.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from bench.ledger import rows, servers
from bench.ledger.contest import Contender, Drained, RoundTrips, backlog, round_trips
from bench.ledger.peers import Celery, Procrastinate
from bench.ledger.rows import Costs
from bench.ledger.suite import Suite, suite

ENGINES = ("SQLite", "PostgreSQL")
TRIPS = 300
# As most run it; a crash of the machine may take its last second.
CELERY = "Celery, fsync everysec"
GROUPS = ("worker", "ledger", "database", "redis", "broker")
Found = Mapping[str, tuple[RoundTrips, Drained]]

# Where it goes to a file, the tables are not folded.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


class Ground:
    """What all contenders stand on; each gets databases of its own."""

    def __init__(self, folder: Path, postgres: tuple[str, psutil.Process]) -> None:
        self.folder = folder
        self._postgres = postgres

    @asynccontextmanager
    async def ours(self, engine: str, purpose: str) -> AsyncIterator[Suite]:
        """Run our suite on SQLite or PostgreSQL."""
        url, groups = None, {}
        if engine == "PostgreSQL":
            for service in ("accounts", "tasks"):
                await servers.create_database(self._postgres[0], f"{purpose}_{service}")
            url = f"{self._postgres[0]}/{purpose}_{{service}}"
            groups["database"] = self._postgres[1]
        folder = self.folder / f"{purpose}-{engine}"
        with servers.broker(self.folder) as (address, process):
            groups["broker"] = process
            async with suite(f"ours, {engine}", folder, groups, address, url) as found:
                yield found

    @asynccontextmanager
    async def celery(self, python: Path, fsync: str) -> AsyncIterator[Celery]:
        """Run Celery on a Redis that syncs its file so."""
        with servers.redis(self.folder, fsync) as redis:
            yield Celery(f"Celery, fsync {fsync}", python, self.folder, redis)

    @asynccontextmanager
    async def procrastinate(self, python: Path) -> AsyncIterator[Procrastinate]:
        """Run procrastinate."""
        server, process = self._postgres
        url = await servers.create_database(server, "procrastinate")
        yield Procrastinate("procrastinate", python, self.folder, url, process)


def main() -> int:
    """Run the bench and print its tables; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.ledger",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--items", type=int, default=20_000, help="of a backlog (20000)")
    parser.add_argument("--ours", action="store_true", help="leave the peers out")
    parser.add_argument("--no-rows", action="store_true", help="leave the rows out")
    options = parser.parse_args()
    try:
        asyncio.run(_run(options))
    except servers.Missing as error:
        console.print(f"Missing: {error}")
        return 1
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    console.print(
        f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; load average {load}, the "
        "bench's own load included."
    )
    return 0


async def _run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with servers.postgres(folder) as postgres:
            ground = Ground(folder, postgres)
            await _contest(ground, options)
            if not options.no_rows:
                await _rows(ground, max(options.items // 10, 1))


async def _contest(ground: Ground, options: argparse.Namespace) -> None:
    contenders: list[AbstractAsyncContextManager[Contender]] = [
        ground.ours(engine, "contest") for engine in ENGINES
    ]
    if not options.ours:
        with console.status("Installing the peers"):
            python = servers.peers_python(ground.folder)
        contenders += [ground.celery(python, fsync) for fsync in ("everysec", "always")]
        contenders.append(ground.procrastinate(python))
    found = {}
    for each in contenders:
        async with each as contender:
            with console.status(f"{contender.name}: round trips"):
                trips = await round_trips(contender, TRIPS)
            with console.status(f"{contender.name}: backlog"):
                found[contender.name] = trips, await backlog(contender, options.items)
    console.print(_trips_table(found))
    console.print(_backlog_table(found, options.items))


async def _rows(ground: Ground, count: int) -> None:
    for engine in ENGINES:
        async with ground.ours(engine, "rows") as ours:
            with console.status(f"{ours.name}: rows"):
                found = await rows.costs(ours, count)
        console.print(_rows_table(ours.name, found))


def _trips_table(found: Found) -> Table:
    table = Table(title="round trip of one item", title_justify="left")
    table.add_column("queue")
    for heading in ("p50 ms", "p99 ms"):
        table.add_column(heading, justify="right")
    for name, (trips, _) in found.items():
        table.add_row(name, f"{trips.p50:.1f}", f"{trips.p99:.1f}")
    return table


def _backlog_table(found: Found, count: int) -> Table:
    table = Table(title=f"backlog of {count}; CPU ms an item", title_justify="left")
    table.add_column("queue")
    headings = ("items/s", "x Celery", "CPU ms", *GROUPS, "events after s")
    for heading in headings:
        table.add_column(heading, justify="right")
    celery = found.get(CELERY)
    for name, (_, drained) in found.items():
        ratio = f"{drained.rate / celery[1].rate:.2f}" if celery else "-"
        groups = (f"{drained.cpu[group]:.2f}" if group in drained.cpu else "-" for group in GROUPS)
        cpu = f"{sum(drained.cpu.values()):.2f}"
        table.add_row(name, f"{drained.rate:.0f}", ratio, cpu, *groups, f"{drained.after:.1f}")
    return table


def _rows_table(name: str, found: Mapping[int, Costs]) -> Table:
    table = Table(title=f"{name}: rows in the ledger; CPU ms an item", title_justify="left")
    headings = ("rows", "items/s", "submitting", "working", "together", "of the first")
    for heading in headings:
        table.add_column(heading, justify="right")
    first = next(iter(found.values()))
    for size, cost in found.items():
        ratio = cost.together / first.together
        figures = (cost.submitting, cost.working, cost.together, ratio)
        table.add_row(f"{size:,}", f"{cost.rate:.0f}", *(f"{each:.2f}" for each in figures))
    return table


if __name__ == "__main__":
    sys.exit(main())
