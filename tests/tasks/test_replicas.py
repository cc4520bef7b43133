"""Several processes of the ledger on one PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import text

from services.chassis.database import Database
from services.tasks.actions import replicas as channel
from services.tasks.store.tables import metadata
from tests.kit.identities import service as by
from tests.tasks.asking import KINDS, URL, create, defined, plain, status_of
from tests.tasks.following import create_stream, status_stream
from tests.tasks.service import Service, Worker, becomes_true, serving
from vitascope.tasks.v2 import specs_pb2
from vitascope.work.v1 import work_pb2

Pair = tuple[Service, Service]


@pytest.fixture
async def pair(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    """Two replicas that would look for news by themselves only after the test."""
    for name in ("ASSIGN_SECONDS", "LOOK_SECONDS", "LOOK_ELSEWHERE_SECONDS"):
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
    return await _listening(db, 2)


async def _listening(db: Database, count: int) -> bool:
    query = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE :listen")
    async with db.reading() as tx:
        return bool(await tx.scalar(query, {"listen": f'LISTEN "{channel.CHANNEL}"%'}) == count)


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


async def test_a_stream_tells_of_work_at_another_replica(pair: Pair) -> None:
    one, two = pair
    stream = create_stream(one, "v2", defined("v2", "image.info", url=URL))
    [made] = await stream.first()
    worker = await Worker(two).hello(kinds=KINDS)
    lease = (await worker.hear()).lease
    begun = await stream.next()
    assert (begun.key, begun.status, plain(begun.progress)) == (made.key, "executing", 0)
    known = specs_pb2.ImageInfoResult(width=3).SerializeToString()
    await worker.say(progress=work_pb2.Progress(lease=lease, percent=30, partial_result=known))
    further = await stream.next()
    assert (plain(further.progress), plain(further.result)) == (30, {"width": 3})
    await worker.fail(lease, "Come again.", retryable=True)
    assert (await stream.next()).status == "queued"
    request = work_pb2.CancelItemsRequest(owner="tasks", request_ids=[made.key])
    await two.ledger.CancelItems(request, metadata=by("tasks"))
    assert [each.status for each in await stream.rest()] == ["error"]


async def test_one_who_begins_to_follow_misses_nothing_of_what_runs(pair: Pair) -> None:
    one, two = pair
    [made] = await create(two, "v2", defined("v2", "image.info", url=URL))
    worker = await Worker(two).hello(kinds=KINDS)
    lease = (await worker.hear()).lease
    stream = status_stream(one, "v2", made.key)
    # The one replica may hear of the reader only after the report is stored.
    await worker.say(progress=work_pb2.Progress(lease=lease, percent=30))
    seen = plain((await stream.first())[0].progress)
    assert seen == 30 or plain((await stream.next()).progress) == 30
    await worker.succeed(lease)
    assert [each.status for each in await stream.rest()] == ["success"]


async def test_nothing_is_told_of_progress_that_nobody_follows(pair: Pair) -> None:
    one, two = pair
    db = one.db
    heard: list[str] = []
    listening = asyncio.create_task(db.listen(channel.CHANNEL, heard.append))
    await becomes_true(lambda: _listening(db, 3), "the third listener")
    [made] = await create(two, "v2", defined("v2", "image.info", url=URL))
    worker = await Worker(two).hello(kinds=KINDS)
    lease = (await worker.hear()).lease
    # A stream at the worker's own replica hears of it in memory.
    stream = status_stream(two, "v2", made.key)
    await stream.first()
    await worker.say(progress=work_pb2.Progress(lease=lease, percent=30))
    assert plain((await stream.next()).progress) == 30
    await worker.succeed(lease)
    assert [each.status for each in await stream.rest()] == ["success"]
    await becomes_true(_told_of(heard, "ended", made.key), "word of the end")
    assert not [notice for notice in heard if "changed" in notice]
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


def _told_of(heard: list[str], name: str, key: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return any(key in json.loads(notice).get(name, ()) for notice in heard)

    return look


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
