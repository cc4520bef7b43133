"""Procrastinate, in its own environment: the task, and commands.

prepare 0
work CONCURRENCY
queue COUNT
round_trips COUNT     prints milliseconds as JSON
"""

import asyncio
import json
import os
import sys
import time

from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Status

BATCH = 1000
POLL_SECONDS = 0.001

app = App(connector=PsycopgConnector(conninfo=os.environ["PEER_POSTGRES"]))


async def noop() -> None:
    """Do nothing."""


task = app.task(name="noop")(noop)


async def prepare(_: int) -> None:
    """Create the tables."""
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


async def work(concurrency: int) -> None:
    """Work until told to stop."""
    async with app.open_async():
        await app.run_worker_async(concurrency=concurrency)


async def queue(count: int) -> None:
    """Queue tasks."""
    async with app.open_async():
        for _ in range(0, count, BATCH):
            await task.batch_defer_async(*({} for _ in range(BATCH)))


async def _ended(job: int) -> None:
    while True:
        if await app.job_manager.get_job_status_async(job) == Status.SUCCEEDED:
            return
        await asyncio.sleep(POLL_SECONDS)


async def round_trips(count: int) -> None:
    """Print how long each of some tasks took, one after the other.

    It has nothing to wait with, so its submitter asks again and again.
    """
    times = []
    async with app.open_async():
        for _ in range(count):
            started = time.perf_counter()
            job = await task.defer_async()
            await _ended(job)
            times.append((time.perf_counter() - started) * 1000)
    print(json.dumps(times))


def main() -> None:
    """Do what the command line says."""
    does = {"prepare": prepare, "work": work, "queue": queue, "round_trips": round_trips}
    asyncio.run(does[sys.argv[1]](int(sys.argv[2])))
