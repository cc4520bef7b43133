"""`WorkAdminService` over real gRPC."""

from typing import Any

import grpc
import pytest

from services.chassis import mailboxes
from services.chassis.database import Database
from services.tasks.store.tables import outbox
from tests.kit.identities import service as by
from tests.tasks.asking import URL, create, defined, error_of, status_of
from tests.tasks.service import Service, Worker, becomes_true, serving
from vitascope.work.v1 import admin_pb2, events_pb2, work_pb2


async def listed(service: Service, **asked: Any) -> tuple[list[str], str]:
    """Return the request ids of a page and the token of the next one."""
    page = await service.admin.ListItems(admin_pb2.ListItemsRequest(**asked), metadata=by("cli"))
    return [item.request_id for item in page.items], page.next_page_token


async def look(service: Service, item_id: str) -> admin_pb2.GetItemResponse:
    request = admin_pb2.GetItemRequest(item_id=item_id)
    found: admin_pb2.GetItemResponse = await service.admin.GetItem(request, metadata=by("cli"))
    return found


async def retry(service: Service, *item_ids: str) -> list[work_pb2.Item]:
    request = admin_pb2.RetryItemsRequest(item_ids=item_ids)
    return list((await service.admin.RetryItems(request, metadata=by("cli"))).items)


async def workers(service: Service) -> list[admin_pb2.Worker]:
    request = admin_pb2.ListWorkersRequest()
    return list((await service.admin.ListWorkers(request, metadata=by("cli"))).workers)


async def drain(service: Service, name: str = "") -> list[str]:
    request = admin_pb2.DrainWorkersRequest(worker_id=name)
    return list((await service.admin.DrainWorkers(request, metadata=by("cli"))).worker_ids)


async def test_items_come_in_pages_newest_first(service: Service) -> None:
    await service.submit(*(f"{n}" for n in range(5)))
    page, token = await listed(service, page_size=2)
    assert page == ["4", "3"]
    await service.submit("5")
    page, token = await listed(service, page_size=2, page_token=token)
    assert page == ["2", "1"]
    assert await listed(service, page_size=2, page_token=token) == (["0"], "")


async def test_items_by_state_account_and_kind(service: Service) -> None:
    await service.submit("a", "b", account_id="one")
    await service.submit("c", account_id="two", kind="video.ingest")
    worker = await Worker(service).hello()
    await worker.fail((await worker.hear()).lease, "no video")
    await worker.hear()
    assert await listed(service, account_id="one") == (["b", "a"], "")
    assert await listed(service, kind="video.ingest") == (["c"], "")
    assert await listed(service, state=work_pb2.STATE_QUEUED) == (["c"], "")
    assert await listed(service, state=work_pb2.STATE_EXECUTING) == (["b"], "")
    assert await listed(service, state=work_pb2.STATE_ERROR, account_id="one") == (["a"], "")
    assert await listed(service, state=work_pb2.STATE_ERROR, account_id="two") == ([], "")


@pytest.mark.parametrize("token", ["x", "-1", "9" * 30, "\u00b2"])
async def test_a_made_up_page_token_is_refused(service: Service, token: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await listed(service, page_token=token)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_one_item_with_all_that_is_known(service: Service) -> None:
    [item] = await service.submit("a", priority=3, lane=work_pb2.LANE_SHORT)
    worker = await Worker(service).hello("w7", deadlines={"video.process": 90})
    lease = (await worker.hear()).lease
    await worker.fail(lease, "storage is away", retryable=True)
    await worker.hear()
    found = await look(service, item.item_id)
    assert (found.item.request_id, found.item.attempt) == ("a", 2)
    assert (found.lane, found.priority, found.worker_id) == (work_pb2.LANE_SHORT, 3, "w7")
    assert found.last_failure == "storage is away"
    allowed = found.deadline_at.ToDatetime() - found.run_at.ToDatetime()
    assert 89 < allowed.total_seconds() < 95
    assert found.HasField("lease_until")
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await look(service, "NOTHING")
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND


async def test_items_are_called_off_whoever_owns_them(service: Service) -> None:
    [mine] = await service.submit("a")
    [task] = await create(service, "v2", defined("v2", "image.info", url=URL))
    worker = await Worker(service).hello()
    lease = (await worker.hear()).lease
    ids = [mine.item_id, task.key, "NOTHING"]
    request = admin_pb2.CancelItemsByIdRequest(item_ids=ids)
    answer = await service.admin.CancelItemsById(request, metadata=by("cli"))
    assert [each.item_id for each in answer.items] == [mine.item_id, task.key]
    assert {each.state for each in answer.items} == {work_pb2.STATE_CANCELLED}
    assert await worker.hear() == work_pb2.Cancel(lease=lease)


async def test_what_failed_is_tried_again_with_all_its_tries(service: Service) -> None:
    [item] = await service.submit("a")
    worker = await Worker(service).hello()
    first = (await worker.hear()).lease
    await worker.fail(first, "no video")
    [again] = await retry(service, item.item_id)
    assert (again.state, again.attempt, again.requeued) == (work_pb2.STATE_QUEUED, 1, 1)
    assert not again.HasField("completed_at")
    assert again.error_message == ""
    second = (await worker.hear()).lease
    assert second.attempt == 2
    await worker.succeed(second, b"at last")
    done = await service.item("a")
    assert (done.state, done.result, done.requeued) == (work_pb2.STATE_SUCCESS, b"at last", 1)
    [unchanged] = await retry(service, item.item_id)
    assert unchanged == done


async def test_owners_hear_that_an_item_is_tried_again(service: Service, db: Database) -> None:
    [item] = await service.submit("a")
    await service.ledger.CancelItems(
        work_pb2.CancelItemsRequest(owner="videos", request_ids=["a"]), metadata=by("videos")
    )
    await retry(service, item.item_id)
    async with db.reading() as tx:
        waiting = await mailboxes.oldest(tx, outbox, 100)
    states = [events_pb2.WorkEvent.FromString(each.value).item for each in waiting]
    assert [(each.state, each.requeued) for each in states] == [
        (work_pb2.STATE_QUEUED, 0),
        (work_pb2.STATE_CANCELLED, 0),
        (work_pb2.STATE_QUEUED, 1),
    ]


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_task_that_is_tried_again_is_queued_for_its_client(
    service: Service, version: str
) -> None:
    good, refused = await create(
        service,
        version,
        defined(version, "image.info", url=URL),
        defined(version, "image.info"),
    )
    worker = await Worker(service).hello(kinds=("image.info",))
    await worker.fail((await worker.hear()).lease, "This is no image.")
    [failed] = await status_of(service, version, good.key)
    assert error_of(version, failed) == "This is no image."
    await worker.say(drain=work_pb2.Drain())
    await becomes_true(lambda: _drains(service, "w"), "the worker to drain")
    await retry(service, good.key, refused.key)
    [status, still_refused] = await status_of(service, version, good.key, refused.key)
    assert (status.status, status.HasField("result")) == ("queued", False)
    assert not status.events.HasField("completed")
    assert still_refused == refused
    other = await Worker(service).hello("other", kinds=("image.info",))
    lease = (await other.hear()).lease
    [status] = await status_of(service, version, good.key)
    assert (status.status, status.progress.number_value) == ("executing", 0)
    await other.succeed(lease)
    [status] = await status_of(service, version, good.key)
    assert status.status == "success"


async def test_workers_are_listed_with_what_they_have(service: Service) -> None:
    assert await workers(service) == []
    worker = await Worker(service).hello("w1", slots=2)
    await Worker(service).hello("w0", kinds=("video.ingest",))
    await becomes_true(lambda: _only(service, "w0", "w1"), "both to be let in")
    [item] = await service.submit("a")
    await worker.hear()
    idle, busy = await workers(service)
    assert (idle.worker_id, list(idle.kinds), idle.slots) == ("w0", ["video.ingest"], 1)
    assert (busy.worker_id, list(busy.item_ids), busy.draining) == ("w1", [item.item_id], False)
    worker.call.cancel()
    await becomes_true(lambda: _only(service, "w0"), "the worker that left to be gone")


async def test_a_worker_is_told_to_drain(service: Service) -> None:
    worker = await Worker(service).hello("w1", slots=2)
    other = await Worker(service).hello("w2")
    await becomes_true(lambda: _only(service, "w1", "w2"), "both to be let in")
    assert await drain(service, "w1") == ["w1"]
    assert await worker.hear() == work_pb2.Drain()
    assert [each.draining for each in await workers(service)] == [True, False]
    [item] = await service.submit("a")
    assert (await other.hear()).lease.item_id == item.item_id
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await drain(service, "w3")
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND


async def test_all_workers_of_all_replicas_are_told_to_drain(
    service: Service, db: Database
) -> None:
    if db.is_sqlite:
        pytest.skip("on SQLite the ledger is one process")
    async with serving(db) as replica:
        here = await Worker(service).hello("here")
        there = await Worker(replica).hello("there")
        await becomes_true(lambda: _only(service, "here", "there"), "both to be let in")
        assert await drain(service) == ["here", "there"]
        assert await here.hear() == work_pb2.Drain()
        assert await there.hear() == work_pb2.Drain()


async def test_others_may_not_administer(service: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await service.admin.ListItems(admin_pb2.ListItemsRequest(), metadata=by("videos"))
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def _drains(service: Service, name: str) -> bool:
    return any(each.worker_id == name and each.draining for each in await workers(service))


async def _only(service: Service, *names: str) -> bool:
    return [each.worker_id for each in await workers(service)] == list(names)
