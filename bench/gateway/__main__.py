"""How fast the gateway is: GET /accounts/v1/account with a valid token, beside its peers.

Everything runs in one go on this machine, the fronts taking turns within every round, so that
whatever else the machine does hits all of them; compare the ratios, not the milliseconds.

  gRPC itself      the accounts service without a gateway, asked by h2load
  gRPC, grpc.aio   the same, asked by Python's gRPC client
  gateway          our gateway
  Starlette        a hand-written proxy with google.protobuf.json_format, on granian
  grpc-gateway     grpc-gateway in Go, generated from the same contract

CPU ms each is the processor time of that front alone, "adds at p50" what it adds in milliseconds to
gRPC itself, and "gateway / front" how many times as many requests our gateway answers.

Two backends: `accounts` is the real service, whose own speed bounds everything in front of it;
`constant` is a server in Go that answers at once, which shows what the gateways themselves cost.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bench.gateway.go_peer import CannotBuild, build
from bench.gateway.load import Measured, check, native, python_client
from bench.gateway.processes import (
    ITSELF,
    Front,
    accounts_service,
    answer_of,
    fronts,
    token_of_a_user,
)
from bench.processes import free_address, started

CONCURRENCIES = (1, 32)
OURS = "gateway"
Case = tuple[str, int]
Results = dict[Case, dict[str, list[Measured]]]
Job = tuple[Case, str, Callable[[], Measured]]

console = Console()


def main() -> int:
    """Run the bench and print its tables; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.gateway",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of every front (5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of one measurement (2)")
    options = parser.parse_args()
    if shutil.which("h2load") is None:
        console.print("The load generator h2load is missing. Debian: apt install nghttp2-client")
        return 1
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        folder = Path(name)
        jobs = _jobs(folder, stack, options.seconds)
        results = _measure(jobs, options.rounds)
    for case, rows in results.items():
        console.print(_table(case, rows))
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    console.print(
        f"{options.rounds} rounds of {options.seconds:g} s, {os.cpu_count()} cores, "
        f"Python {sys.version.split()[0]}; load average {load}, the bench's own load included."
    )
    return 0


def _jobs(folder: Path, stack: ExitStack, seconds: float) -> list[Job]:
    """Start everything; return the measurements of one round, in their order."""
    go_peer = _go_peer(folder)
    accounts = stack.enter_context(accounts_service(folder))
    token = asyncio.run(token_of_a_user(accounts.address, folder))
    backends = {"accounts": accounts}
    if go_peer:
        answer, address = folder / "answer", free_address()
        answer.write_bytes(answer_of(accounts.address, token))
        command = (go_peer, "backend", address, answer)
        process = stack.enter_context(started(command, folder / "backend.log", address))
        backends["constant"] = Front(ITSELF, address, process, is_grpc=True)
    jobs: list[Job] = []
    for name, backend in backends.items():
        rows = stack.enter_context(fronts(backend, go_peer, folder))
        for front in rows[1:]:
            check(front, token)
        for concurrency in CONCURRENCIES:
            for front in rows:
                jobs += _of_front((name, concurrency), front, seconds, token)
    return jobs


def _go_peer(folder: Path) -> Path | None:
    try:
        with console.status("Building the peer in Go; the first time it takes minutes"):
            return build(folder)
    except CannotBuild as error:
        console.print(f"Without grpc-gateway and the constant backend: {error}", markup=False)
        return None


def _of_front(case: Case, front: Front, seconds: float, token: str) -> list[Job]:
    arguments = (front, case[1], seconds, token)
    jobs: list[Job] = [(case, front.name, lambda: native(*arguments))]
    if front.is_grpc:
        jobs.append((case, "gRPC, grpc.aio", lambda: python_client(*arguments)))
    return jobs


def _measure(jobs: list[Job], rounds: int) -> Results:
    results: Results = defaultdict(lambda: defaultdict(list))
    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("", total=rounds * len(jobs))
        for _ in range(rounds):
            for case, name, measure in jobs:
                progress.update(task, description=f"{case[0]}, {case[1]} at once")
                results[case][name].append(measure())
                progress.advance(task)
    return results


def _table(case: Case, rows: dict[str, list[Measured]]) -> Table:
    """Return medians over the rounds; ratios are taken within rounds, before the median."""
    table = Table(title=f"backend {case[0]}, {case[1]} at once", title_justify="left")
    table.add_column("front")
    headings = ("p50 ms", "p99 ms", "requests/s", "CPU ms each", "adds at p50", "gateway / front")
    for heading in headings:
        table.add_column(heading, justify="right")
    ours, bare = rows[OURS], rows[ITSELF]
    for name, found in rows.items():
        added = statistics.median(f.p50 - b.p50 for f, b in zip(found, bare, strict=True))
        ratio = statistics.median(o.rate / f.rate for o, f in zip(ours, found, strict=True))
        table.add_row(
            name,
            f"{statistics.median(each.p50 for each in found):.2f}",
            f"{statistics.median(each.p99 for each in found):.2f}",
            f"{statistics.median(each.rate for each in found):.0f}",
            f"{statistics.median(each.cpu for each in found):.2f}",
            f"{added:+.2f}",
            f"{ratio:.2f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
