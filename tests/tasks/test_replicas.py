"""Several processes of the ledger on one PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import text

from services.chassis.database import Database
from services.tasks.actions import replicas as channel
from services.tasks.store.tables import metadata
from tests.kit.identities import service as by
from tests.tasks.asking import KINDS, URL, create, defined, status_of
from tests.tasks.service import Service, Worker, becomes_true, serving
from vitascope.work.v1 import work_pb2

Pair = tuple[Service, Service]


@pytest.fixture
async def pair(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    """Two replicas that would look for news by themselves only after the test."""
    for name in ("ASSIGN_SECONDS", "LOOK_SECONDS"):
        monkeypatch.setattr(f"services.tasks.__main__.{name}", 3600.0)
    async with AsyncExitStack() as stack:
        databases = [Database(postgres_url, metadata) for _ in range(2)]
        for db in databases:
            stack.push_async_callback(db.close)
        await databases[0].migrate("services.tasks.migrations")
        one, two = [await stack.enter_async_context(serving(db)) for db in databases]
        await becomes_true(lambda: _both_listen(databases[0]), "two listeners")
        yield one, two


async def _both_listen(db: Database) -> bool:
    query = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE :listen")
    async with db.reading() as tx:
        return bool(await tx.scalar(query, {"listen": f'LISTEN "{channel.CHANNEL}"%'}) == 2)


async def test_work_for_a_worker_of_another_replica(pair: Pair) -> None:
    one, two = pair
    worker = await Worker(two).hello()
    (item,) = await one.submit("a")
    assert (await worker.hear()).lease.item_id == item.item_id


async def test_a_waiter_hears_of_an_end_at_another_replica(pair: Pair) -> None:
    one, two = pair
    waiting = asyncio.create_task(
        create(one, "v2", defined("v2", "image.info", url=URL), block=True)
    )
    worker = await Worker(two).hello(kinds=KINDS)
    assignment = await worker.hear()
    key = assignment.lease.item_id
    asking = asyncio.create_task(status_of(one, "v2", key, block=True))
    await worker.succeed(assignment.lease)
    async with asyncio.timeout(10):
        assert [each.status for each in await waiting] == ["success"]
        assert [each.status for each in await asking] == ["success"]


async def test_a_cancel_at_another_replica_reaches_the_worker(pair: Pair) -> None:
    one, two = pair
    await one.submit("a", "b")
    worker = await Worker(two).hello()
    lease = (await worker.hear()).lease
    request = work_pb2.CancelItemsRequest(owner="videos", request_ids=["a"])
    await one.ledger.CancelItems(request, metadata=by("videos"))
    assert await worker.hear() == work_pb2.Cancel(lease=lease)
    # Its slot is free again.
    assert (await worker.hear()).lease.item_id != lease.item_id


async def test_nothing_is_given_out_twice(pair: Pair) -> None:
    names = [f"{n}" for n in range(200)]
    for replica, some in zip(pair, (names[:100], names[100:]), strict=True):
        await replica.submit(*some, account_id="team", lane=work_pb2.LANE_SHORT)
    given: list[str] = []
    done = asyncio.Event()

    async def work(replica: Service, name: str) -> None:
        worker = await Worker(replica).hello(name, slots=4)
        while True:
            message = await worker.hear()
            if isinstance(message, work_pb2.Assignment):
                assert message.lease.attempt == 1
                given.append(message.lease.item_id)
                finished = work_pb2.Finished(lease=message.lease, success=work_pb2.Success())
                await worker.say(finished=finished)
            elif len(given) == len(names):
                done.set()

    workers = [
        asyncio.create_task(work(replica, f"w{n}")) for n, replica in enumerate([*pair, *pair])
    ]
    async with asyncio.timeout(60):
        await done.wait()
    for each in workers:
        each.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    assert len(set(given)) == len(given) == len(names)
