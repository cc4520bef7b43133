"""What the work stream and the internal door do for deadlines, checkpoints and names."""

from typing import Any

import grpc
import pytest

from tests.kit.identities import service as by
from tests.tasks.asking import URL, create, defined
from tests.tasks.service import Service, Worker
from vitascope.work.v1 import work_pb2


async def test_a_checkpoint_comes_with_the_next_assignment(service: Service) -> None:
    await service.submit("a")
    worker = await Worker(service).hello()
    first = await worker.hear()
    assert first.checkpoint == b""
    state = b"\0segment 7" * 1000
    await worker.say(checkpoint=work_pb2.Checkpoint(lease=first.lease, state=b"segment 6"))
    await worker.say(checkpoint=work_pb2.Checkpoint(lease=first.lease, state=state))
    await worker.fail(first.lease, "storage is away", retryable=True)
    second = await worker.hear()
    assert (second.lease.attempt, second.checkpoint) == (2, state)


async def test_a_checkpoint_that_must_not_be_lost_is_stored_before_the_answer(
    service: Service,
) -> None:
    await service.submit("a")
    worker = await Worker(service).hello()
    first = await worker.hear()
    saved = work_pb2.Checkpoint(lease=first.lease, state=b"a session")
    request = work_pb2.SaveCheckpointRequest(checkpoint=saved)
    await service.ledger.SaveCheckpoint(request, metadata=by("worker"))
    await worker.fail(first.lease, "their server is away", retryable=True)
    assert (await worker.hear()).checkpoint == b"a session"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await service.ledger.SaveCheckpoint(request, metadata=by("worker"))
    assert refused.value.code() is grpc.StatusCode.ABORTED


async def test_a_checkpoint_of_a_lost_lease_is_refused(service: Service) -> None:
    worker = await Worker(service).hello()
    stranger = work_pb2.Lease(item_id="NOTHING", attempt=1)
    await worker.say(checkpoint=work_pb2.Checkpoint(lease=stranger, state=b"state"))
    assert await worker.hear() == work_pb2.LeaseLost(lease=stranger)


async def test_a_huge_checkpoint_ends_the_stream(service: Service) -> None:
    await service.submit("a")
    worker = await Worker(service).hello()
    lease = (await worker.hear()).lease
    await worker.say(checkpoint=work_pb2.Checkpoint(lease=lease, state=bytes(2**19 + 1)))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await worker.hear()
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_the_second_worker_of_a_name_takes_it_over(service: Service) -> None:
    await service.submit("a")
    older = await Worker(service).hello("w")
    lease = (await older.hear()).lease
    newer = Worker(service)
    await newer.say(hello=work_pb2.Hello(worker_id="w", kinds=["video.process"], slots=1))
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await older.hear()
    assert ended.value.code() is grpc.StatusCode.ABORTED
    assert "w" in (ended.value.details() or "")
    # As after a reconnect: what it says that it has is its own.
    await newer.say(heartbeat=work_pb2.Heartbeat(leases=[lease]))
    assert await newer.succeed(lease) == work_pb2.Accepted(lease=lease)
    assert (await service.item("a")).attempt == 1


async def test_services_speak_for_themselves_only(service: Service) -> None:
    mine = work_pb2.Submission(owner="videos", account_id="t", request_id="r", kind="k")
    calls: list[Any] = [
        service.ledger.Submit(work_pb2.SubmitRequest(submissions=[mine]), metadata=by("media")),
        service.ledger.GetItems(
            work_pb2.GetItemsRequest(owner="videos", request_ids=["a"]), metadata=by("media")
        ),
        service.ledger.CancelItems(
            work_pb2.CancelItemsRequest(owner="tasks", request_ids=["a"]), metadata=by("videos")
        ),
    ]
    for call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_items_are_found_by_id_whoever_owns_them(service: Service) -> None:
    [video] = await service.submit("a")
    [task] = await create(service, "v2", defined("v2", "image.info", url=URL))
    request = work_pb2.FindItemsRequest(item_ids=[task.key, "NOTHING", video.item_id])
    found = await service.ledger.FindItems(request, metadata=by("media"))
    assert {(item.item_id, item.owner) for item in found.items} == {
        (video.item_id, "videos"),
        (task.key, "tasks"),
    }
