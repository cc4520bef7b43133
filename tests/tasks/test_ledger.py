"""`LedgerService` over real gRPC."""

import asyncio

import grpc
import pytest
from sqlalchemy import select

from services.chassis.database import Database, now
from services.tasks.model import RECONNECT
from services.tasks.store.tables import items
from tests.kit.identities import authorization
from tests.kit.identities import service as by
from tests.tasks.service import Service, Worker, becomes_true
from vitascope.media.v1 import internal_pb2
from vitascope.work.v1 import work_pb2

DESTINATION = internal_pb2.Destination(video=internal_pb2.VideoDestination(video_id="v"))


async def test_a_worker_that_waits_is_given_what_comes(service: Service) -> None:
    worker = await Worker(service).hello()
    (queued,) = await service.submit("a", spec=b"spec", destination=DESTINATION)
    assert (queued.state, len(queued.item_id)) == (work_pb2.STATE_QUEUED, 26)
    assignment = await worker.hear()
    assert assignment == work_pb2.Assignment(
        lease=work_pb2.Lease(item_id=queued.item_id, attempt=1),
        kind="video.process",
        spec=b"spec",
        account_id="team",
        destination=DESTINATION,
        lease_seconds=30,
    )
    accepted = await worker.succeed(assignment.lease, b"result")
    assert accepted == work_pb2.Accepted(lease=assignment.lease)
    item = await service.item("a")
    assert (item.state, item.result, item.percent) == (work_pb2.STATE_SUCCESS, b"result", 100)
    assert item.completed_at.ToDatetime() >= item.started_at.ToDatetime()


async def test_a_worker_that_ends_an_item_is_given_the_next(service: Service) -> None:
    await service.submit("a", "b", "c")
    worker = await Worker(service).hello()
    given, accepted = [], 0
    while accepted < 3:
        message = await worker.hear()
        if isinstance(message, work_pb2.Accepted):
            accepted += 1
        else:
            given.append(message.lease.item_id)
            success = work_pb2.Success()
            await worker.say(finished=work_pb2.Finished(lease=message.lease, success=success))
    assert given == [(await service.item(name)).item_id for name in ("a", "b", "c")]


async def test_a_failure_ends_the_item_with_its_reason(service: Service) -> None:
    await service.submit("a")
    worker = await Worker(service).hello()
    assignment = await worker.hear()
    assert isinstance(await worker.fail(assignment.lease, "not a video"), work_pb2.Accepted)
    item = await service.item("a")
    assert (item.state, item.error_message) == (work_pb2.STATE_ERROR, "not a video")


async def test_a_passing_failure_is_tried_again(service: Service) -> None:
    await service.submit("a")
    worker = await Worker(service).hello()
    lease = (await worker.hear()).lease
    await worker.fail(lease, "storage is away", retryable=True)
    again = await worker.hear()
    assert again.lease == work_pb2.Lease(item_id=lease.item_id, attempt=2)


async def test_cancel_reaches_the_worker(service: Service) -> None:
    await service.submit("a", "b")
    worker = await Worker(service).hello()
    lease = (await worker.hear()).lease
    request = work_pb2.CancelItemsRequest(owner="videos", request_ids=["a"])
    response = await service.ledger.CancelItems(request, metadata=by("videos"))
    assert [item.state for item in response.items] == [work_pb2.STATE_CANCELLED]
    assert await worker.hear() == work_pb2.Cancel(lease=lease)
    assert (await worker.hear()).lease.item_id != lease.item_id
    assert await worker.succeed(lease) == work_pb2.LeaseLost(lease=lease)


async def test_a_lease_of_nothing_is_lost(service: Service) -> None:
    worker = await Worker(service).hello()
    stranger = work_pb2.Lease(item_id="NOTHING", attempt=1)
    await worker.say(heartbeat=work_pb2.Heartbeat(leases=[stranger]))
    assert await worker.hear() == work_pb2.LeaseLost(lease=stranger)
    await worker.say(progress=work_pb2.Progress(lease=stranger, percent=1))
    assert await worker.hear() == work_pb2.LeaseLost(lease=stranger)
    assert await worker.succeed(stranger) == work_pb2.LeaseLost(lease=stranger)


async def test_progress_can_be_asked_for(service: Service) -> None:
    await service.submit("a")
    worker = await Worker(service).hello()
    lease = (await worker.hear()).lease
    await worker.say(progress=work_pb2.Progress(lease=lease, percent=40, eta_seconds=3))

    async def is_there() -> bool:
        item = await service.item("a")
        return (item.percent, item.eta_seconds) == (40, 3)

    await becomes_true(is_there, "the progress")


async def test_after_drain_nothing_more_comes(service: Service) -> None:
    await service.submit("a", "b")
    leaving = await Worker(service).hello("leaving")
    lease = (await leaving.hear()).lease
    await leaving.say(drain=work_pb2.Drain())
    assert isinstance(await leaving.succeed(lease), work_pb2.Accepted)
    staying = await Worker(service).hello("staying")
    assert (await staying.hear()).lease.item_id != lease.item_id
    await leaving.call.done_writing()
    assert await leaving.call.read() is grpc.aio.EOF


async def test_a_broken_stream_shortens_the_lease(service: Service, db: Database) -> None:
    await service.submit("a")
    worker = await Worker(service).hello()
    lease = (await worker.hear()).lease
    worker.call.cancel()

    async def is_short() -> bool:
        async with db.reading() as tx:
            until = await tx.scalar(select(items.c.lease_until))
        assert until is not None
        return bool(until - now() <= RECONNECT)

    await becomes_true(is_short, "a short lease")

    again = Worker(service)
    await again.say(hello=work_pb2.Hello(worker_id="w", kinds=["video.process"], slots=1))
    await again.say(heartbeat=work_pb2.Heartbeat(leases=[lease]))
    assert isinstance(await again.succeed(lease, b"kept"), work_pb2.Accepted)
    assert (await service.item("a")).result == b"kept"


@pytest.mark.parametrize(
    "first",
    [
        {"drain": work_pb2.Drain()},
        {"hello": work_pb2.Hello(worker_id="", slots=1)},
        {"hello": work_pb2.Hello(worker_id="w", slots=0)},
    ],
)
async def test_a_worker_has_to_greet(service: Service, first: dict[str, object]) -> None:
    worker = Worker(service)
    await worker.say(**first)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await worker.hear()
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_only_the_suite_itself_may_submit_and_work(service: Service) -> None:
    request = work_pb2.SubmitRequest(submissions=[work_pb2.Submission()])
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await service.ledger.Submit(request, metadata=authorization("Secret A SECRET"))
    assert refused.value.code() in (
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
    )


async def test_many_items_go_through(service: Service) -> None:
    names = [f"{n}" for n in range(500)]
    await service.submit(*names[:250], account_id="a", lane=work_pb2.LANE_SHORT)
    await service.submit(*names[250:], account_id="b", lane=work_pb2.LANE_SHORT)

    async def work(name: str) -> None:
        worker = await Worker(service).hello(name, slots=8)
        while True:
            message = await worker.hear()
            if isinstance(message, work_pb2.Assignment):
                success = work_pb2.Success(result=b"r")
                await worker.say(finished=work_pb2.Finished(lease=message.lease, success=success))
            else:
                assert isinstance(message, work_pb2.Accepted)
                finished.release()

    finished = asyncio.Semaphore(0)
    workers = [asyncio.create_task(work(f"w{n}")) for n in range(3)]
    for _ in names:
        await finished.acquire()
    request = work_pb2.GetItemsRequest(owner="videos", request_ids=names)
    response = await service.ledger.GetItems(request, metadata=by("videos"))
    assert {item.state for item in response.items} == {work_pb2.STATE_SUCCESS}
    assert {item.attempt for item in response.items} == {1}
    for each in workers:
        each.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
