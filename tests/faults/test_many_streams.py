"""1,000 streams of statuses at once: all is told, memory stays flat, and a stop is said."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.processes import free_address, started
from bench.streams.ground import Ground, ground
from bench.streams.readers import Reader
from bench.streams.workers import Worker
from tests.faults.test_many_connections import allow_files
from tests.kit.waiting import wait_for_async
from vitascope.tasks.v2.specs_pb2 import ImageInfoResult

STREAMS, WORKERS = 1000, 10
ROUNDS = 3
SECONDS = 120.0
# The ledger remembers each attempt's last report; streams may not add to it with every line.
GROWTH_MIB = 32
TASK = {"task_name": "image.info", "url": "http://127.0.0.1/nothing.jpg"}
# 4 KiB of result with every report: what is kept of them would show.
PARTIAL = ImageInfoResult(content_type="x" * 4096).SerializeToString()


class Crowd:
    """Streams of one task each. `told` has the newest progress of each task by its key."""

    def __init__(self) -> None:
        self.told: dict[str, float] = {}
        self.lines = 0
        self.ends: list[asyncio.Task[dict[str, Any]]] = []

    async def open(self, suite: Ground, secret: str, count: int) -> None:
        """Create a task by each stream, and follow it."""
        room = asyncio.Semaphore(20)

        async def open_one() -> None:
            async with room:
                reader = Reader(self._tell)
                body = {"secret": secret, "tasks": TASK}
                [first] = await reader.open(suite.http_address, "/v2/create_stream", body)
                self.told[first["key"]] = -1.0
                self.ends.append(asyncio.create_task(reader.follow()))

        await asyncio.gather(*(open_one() for _ in range(count)))

    def _tell(self, status: dict[str, Any], _: float) -> None:
        if "key" in status:
            self.lines += 1
            self.told[status["key"]] = float(status["progress"])


@asynccontextmanager
async def working(suite: Ground, name: str) -> AsyncIterator[Sequence[Worker]]:
    """Connect workers that take all tasks."""
    slots = -(-STREAMS // WORKERS)
    workers = [Worker(suite.workers, f"{name}{n}", "image.info", slots) for n in range(WORKERS)]
    try:
        yield workers
    finally:
        for worker in workers:
            await worker.close()


async def comes_true(done: Callable[[], bool], what: str) -> None:
    await wait_for_async(done, seconds=SECONDS, what=what)


async def given(workers: Sequence[Worker]) -> None:
    """Wait until all tasks are given out."""
    await comes_true(
        lambda: sum(len(each.leases) for each in workers) == STREAMS, "all tasks to be given out"
    )


async def test_a_thousand_streams(tmp_path: Path) -> None:
    allow_files(2 * STREAMS)
    async with ground(tmp_path, free_address()) as suite:
        crowd = Crowd()
        await crowd.open(suite, await suite.secret(), STREAMS)
        async with working(suite, "first") as workers:
            await given(workers)
            await all_reported(crowd, workers, 1.0)
            before = suite.memory()
            for percent in range(2, 2 + ROUNDS):
                await all_reported(crowd, workers, float(percent))
            after = suite.memory()
            grown = {name: after[name] - before[name] for name in before}
            assert max(grown.values()) < GROWTH_MIB, grown
            suite.processes["ledger"].send_signal(signal.SIGTERM)
            async with asyncio.timeout(SECONDS):
                ends = await asyncio.gather(*crowd.ends)
        assert {end["status"] for end in ends} == {"error"}
        assert {end["errors"][0]["description"] for end in ends} == {"The service is stopping."}
        suite.processes["ledger"].wait(SECONDS)
        with ledger_again(suite, tmp_path):
            await all_end_well(suite, list(crowd.told))


async def all_reported(crowd: Crowd, workers: Sequence[Worker], percent: float) -> None:
    """Have every task get so far, and wait until every stream has told it."""
    for worker in workers:
        for key in worker.leases:
            worker.report(key, percent, PARTIAL)
    await comes_true(
        lambda: all(each == percent for each in crowd.told.values()), f"{percent} % on all streams"
    )


def ledger_again(suite: Ground, folder: Path) -> Any:
    """Start the ledger at the same place."""
    command = [sys.executable, "-m", "services.tasks"]
    address = suite.settings.tasks_address
    return started(command, folder / "again.log", address, suite.environment)


async def all_end_well(suite: Ground, keys: Sequence[str]) -> None:
    """Follow all tasks by one stream while workers end them."""
    ended: set[str] = set()

    def tell(status: dict[str, Any], _: float) -> None:
        if status["status"] == "success":
            ended.add(status["key"])

    status = f"http://{suite.http_address}/v2/status?tasks={keys[0]}"
    await comes_true(lambda: httpx.get(status).status_code == 200, "the gateway to find the ledger")
    reader = Reader(tell)
    first = await reader.open(suite.http_address, "/v2/status_stream", {"tasks": keys})
    assert [each["key"] for each in first] == keys
    async with working(suite, "second") as workers, asyncio.timeout(SECONDS):
        await given(workers)
        for worker in workers:
            worker.finish(PARTIAL)
        await reader.follow()
    assert ended == set(keys)
