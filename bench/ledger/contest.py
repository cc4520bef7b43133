"""What is measured, the same way for all."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import psutil

from bench.gateway.load import percentile
from bench.processes import cpu_seconds

WARM_UP = 20
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 900.0

Groups = Mapping[str, psutil.Process]


class Contender(Protocol):
    """A queue with its servers running, and workers that come and go."""

    name: str

    def servers(self) -> Groups:
        """Return the roots of what runs beside the workers."""

    def worker(self) -> AbstractContextManager[psutil.Process]:
        """Run a worker that does two items at once."""

    async def queue(self, count: int) -> None:
        """Queue items."""

    async def left(self) -> int:
        """Return how many items have not ended."""

    async def settled(self) -> bool:
        """Whether nothing is left to do about what ended so far."""

    async def round_trips(self, count: int) -> list[float]:
        """Return the milliseconds from submitting to knowing the result, one after the other."""


@dataclass(frozen=True)
class RoundTrips:
    """Milliseconds."""

    p50: float
    p99: float


@dataclass(frozen=True)
class Drained:
    """How a backlog went: items a second; milliseconds of processor time an item, by group;
    seconds from the last item's end until nothing was left to do about any of them."""

    rate: float
    cpu: Mapping[str, float]
    after: float


async def round_trips(contender: Contender, count: int) -> RoundTrips:
    """Measure single items, with nothing else to do."""
    with contender.worker():
        times = (await contender.round_trips(count + WARM_UP))[WARM_UP:]
    return RoundTrips(percentile(times, 50), percentile(times, 99))


async def backlog(contender: Contender, count: int) -> Drained:
    """Queue items while nobody works, then measure from the first end to the last."""
    before = await contender.left()
    await contender.queue(count)
    return await drain(contender, before)


async def drain(contender: Contender, until_left: int) -> Drained:
    """Have a worker work, and measure from the first end until so many items are left.

    What a worker does before its first item, which is mostly starting, does not count.
    """
    left = await contender.left()
    with contender.worker() as worker:
        groups = {"worker": worker, **contender.servers()}
        first_left = await _left_below(contender, left)
        started, cpu = time.perf_counter(), _cpu(groups)
        done = first_left - await _left_below(contender, until_left + 1)
        seconds = time.perf_counter() - started
        await _settled(contender)
        after = time.perf_counter() - started - seconds
        spent = {name: (_cpu(groups)[name] - cpu[name]) * 1000 / done for name in groups}
    return Drained(done / seconds, spent, after)


async def _left_below(contender: Contender, bound: int) -> int:
    until = time.monotonic() + PATIENCE_SECONDS
    while (left := await contender.left()) >= bound:
        if time.monotonic() > until:
            raise TimeoutError(f"{contender.name} has {left} items left")
        await asyncio.sleep(LOOK_SECONDS)
    return left


async def _settled(contender: Contender) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not await contender.settled():
        if time.monotonic() > until:
            raise TimeoutError(f"{contender.name} does not settle")
        await asyncio.sleep(LOOK_SECONDS)


def _cpu(groups: Groups) -> dict[str, float]:
    return {name: cpu_seconds(process) for name, process in groups.items()}
