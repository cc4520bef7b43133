"""Callbacks by `WorkAdminService`, over real gRPC, and made by the service itself."""

from typing import Any

import grpc
import pytest

from tests.kit.identities import service as by
from tests.kit.waiting import wait_for_async
from tests.kit.web import Reply, receiving
from tests.tasks.asking import create, defined
from tests.tasks.calling import is_signed
from tests.tasks.service import Service, becomes_true
from vitascope.work.v1 import admin_pb2


async def listed(service: Service, **asked: Any) -> admin_pb2.ListCallbacksResponse:
    request = admin_pb2.ListCallbacksRequest(**asked)
    found: admin_pb2.ListCallbacksResponse = await service.admin.ListCallbacks(
        request, metadata=by("cli")
    )
    return found


async def refused(service: Service, url: str, count: int) -> list[str]:
    """Create tasks that are refused at once and told of here; return their keys."""
    wrong = [defined("v2", "image.info", url_errback=f"{url}/{n}") for n in range(count)]
    return [status.key for status in await create(service, "v2", *wrong)]


async def test_a_page_at_a_time_and_by_what_they_are(service: Service) -> None:
    with receiving(lambda call: Reply(200 if call.path == "/4" else 500)) as endpoint:
        keys = await refused(service, endpoint.url, 5)

        async def all_tried() -> bool:
            found = (await listed(service)).callbacks
            return all(each.last_failure or each.HasField("ended_at") for each in found)

        await becomes_true(all_tried, "tries")
        page = await listed(service, page_size=3)
        rest = await listed(service, page_size=3, page_token=page.next_page_token)
        assert [each.key for each in [*page.callbacks, *rest.callbacks]] == keys[::-1]
        assert rest.next_page_token == ""
        (done,) = (await listed(service, state=admin_pb2.CALLBACK_STATE_DELIVERED)).callbacks
        assert (done.key, done.HasField("due_at"), done.HasField("ended_at")) == (
            keys[4],
            False,
            True,
        )
        waiting = (await listed(service, state=admin_pb2.CALLBACK_STATE_WAITING)).callbacks
        assert len(waiting) == 4
        (one,) = (await listed(service, key=keys[0])).callbacks
        assert (one.url, one.account_id) == (f"{endpoint.url}/0", "team-a")
        assert len((await listed(service, account_id="team-b")).callbacks) == 0
        assert all(is_signed(call, "callback secret of team-a") for call in endpoint.calls)
        request = admin_pb2.GetCallbackRequest(callback_id=one.callback_id)
        found = await service.admin.GetCallback(request, metadata=by("cli"))
        assert found.body in [call.body for call in endpoint.calls]


async def test_another_try_is_made_at_once(service: Service) -> None:
    replies = iter([Reply(500)])
    with receiving(lambda _: next(replies, Reply(200))) as endpoint:
        await refused(service, endpoint.url, 1)
        await wait_for_async(lambda: endpoint.calls, what="a call")

        async def failed() -> bool:
            return bool((await listed(service)).callbacks[0].last_failure)

        await becomes_true(failed, "the failure")
        (callback,) = (await listed(service)).callbacks
        request = admin_pb2.RetryCallbacksRequest(callback_ids=[callback.callback_id, "unknown"])
        again = await service.admin.RetryCallbacks(request, metadata=by("cli"))
        assert [each.callback_id for each in again.callbacks] == [callback.callback_id]
        await wait_for_async(lambda: len(endpoint.calls) == 2, what="another call", seconds=4)


async def test_what_there_is_not(service: Service) -> None:
    request = admin_pb2.GetCallbackRequest(callback_id="unknown")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.admin.GetCallback(request, metadata=by("cli"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await listed(service, page_token="x")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
