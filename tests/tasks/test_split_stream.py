"""Parts and partial results as workers, owners and those who run the suite meet them."""

from collections.abc import Sequence
from typing import Any

import grpc
import pytest

from tests.kit.identities import service as by
from tests.tasks.service import Service, Worker, becomes_true
from vitascope.media.v1 import internal_pb2
from vitascope.work.v1 import admin_pb2, work_pb2

KINDS = ("video.process", "video.segment")


async def say_split(worker: Worker, lease: work_pb2.Lease, specs: Sequence[bytes]) -> Any:
    """Split an item into parts with these specs; return the answer."""
    parts = [work_pb2.Part(kind="video.segment", spec=spec, weight=1) for spec in specs]
    split = work_pb2.Split(parts=parts)
    await worker.say(finished=work_pb2.Finished(lease=lease, split=split))
    return await worker.hear()


async def look(service: Service, item_id: str) -> admin_pb2.GetItemResponse:
    request = admin_pb2.GetItemRequest(item_id=item_id)
    found: admin_pb2.GetItemResponse = await service.admin.GetItem(request, metadata=by("cli"))
    return found


async def listed(service: Service, **asked: Any) -> list[str]:
    request = admin_pb2.ListItemsRequest(**asked)
    page = await service.admin.ListItems(request, metadata=by("cli"))
    return [item.kind for item in page.items]


async def test_parts_are_assigned_and_come_back_in_order(service: Service) -> None:
    [whole] = await service.submit("a", lane=work_pb2.LANE_SHORT)
    worker = await Worker(service).hello(kinds=KINDS, slots=2)
    lease = (await worker.hear()).lease
    assert await say_split(worker, lease, [b"first", b"second"]) == work_pb2.Accepted(lease=lease)
    given = {part.spec: part for part in [await worker.hear(), await worker.hear()]}
    assert given.keys() == {b"first", b"second"}
    part = given[b"first"]
    place = internal_pb2.PartDestination(item_id=whole.item_id)
    assert part.destination == internal_pb2.Destination(part=place)
    assert (part.kind, part.account_id, list(part.parts)) == ("video.segment", "team", [])
    assert (await service.item("a")).state == work_pb2.STATE_EXECUTING
    for spec in (b"second", b"first"):
        await worker.succeed(given[spec].lease, spec.upper())
    join = await worker.hear()
    assert (join.kind, join.lease.attempt) == ("video.process", 2)
    assert [(part.kind, part.result) for part in join.parts] == [
        ("video.segment", b"FIRST"),
        ("video.segment", b"SECOND"),
    ]
    await worker.succeed(join.lease, b"both")
    done = await service.item("a")
    assert (done.state, done.result) == (work_pb2.STATE_SUCCESS, b"both")


async def test_a_thousand_results_fit(service: Service) -> None:
    await service.submit("a", lane=work_pb2.LANE_SHORT)
    worker = await Worker(service).hello(kinds=KINDS, slots=1000)
    lease = (await worker.hear()).lease
    await say_split(worker, lease, [bytes(4000)] * 1000)
    leases = [(await worker.hear()).lease for _ in range(1000)]
    for each in leases:
        success = work_pb2.Success(result=bytes(2**13))
        await worker.say(finished=work_pb2.Finished(lease=each, success=success))
    heard = [await worker.hear() for _ in range(1001)]
    [join] = [each for each in heard if isinstance(each, work_pb2.Assignment)]
    assert {len(part.result) for part in join.parts} == {2**13}
    assert len(join.parts) == 1000


async def test_those_who_run_the_suite_see_parts_when_they_ask(service: Service) -> None:
    [whole] = await service.submit("a")
    worker = await Worker(service).hello(kinds=KINDS, slots=2)
    await say_split(worker, (await worker.hear()).lease, [b"1", b"2"])
    found = await look(service, whole.item_id)
    assert found.item.state == work_pb2.STATE_EXECUTING
    assert [part.kind for part in found.parts] == ["video.segment"] * 2
    part = await look(service, found.parts[0].item_id)
    assert (part.whole_id, list(part.parts)) == (whole.item_id, [])
    assert await listed(service) == ["video.process"]
    assert await listed(service, state=work_pb2.STATE_EXECUTING) == ["video.process"]
    every = await listed(service, with_parts=True)
    assert sorted(every) == ["video.process", "video.segment", "video.segment"]


async def test_what_is_known_is_there_before_the_end(service: Service) -> None:
    await service.submit("a")
    worker = await Worker(service).hello()
    lease = (await worker.hear()).lease
    await worker.say(progress=work_pb2.Progress(lease=lease, percent=5, partial_result=b"a film"))

    async def is_known() -> bool:
        item = await service.item("a")
        return (item.state, item.result) == (work_pb2.STATE_EXECUTING, b"a film")

    await becomes_true(is_known, "the partial result")
    await worker.succeed(lease, b"all of it")
    assert (await service.item("a")).result == b"all of it"


@pytest.mark.parametrize(
    "said",
    [
        {"progress": work_pb2.Progress(partial_result=bytes(2**16 + 1))},
        {"finished": work_pb2.Finished(split=work_pb2.Split())},
        {"finished": work_pb2.Finished(split=work_pb2.Split(parts=[work_pb2.Part(kind="k")]))},
    ],
)
async def test_what_the_contract_forbids_ends_the_stream(
    service: Service, said: dict[str, Any]
) -> None:
    worker = await Worker(service).hello()
    await worker.say(**said)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await worker.hear()
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
