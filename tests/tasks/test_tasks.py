"""The Tasks API, versions 1 and 2, over real gRPC."""

import asyncio

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from services.chassis import mailboxes
from services.chassis.database import Database
from services.tasks.store.tables import outbox
from tests.kit.identities import Identities
from tests.kit.identities import service as by
from tests.tasks.asking import (
    KINDS,
    MODULES,
    URL,
    VERSIONS,
    create,
    defined,
    error_of,
    plain,
    status_of,
)
from tests.tasks.service import BY_ACCOUNT, PUBLIC_URL, Service, Worker
from vitascope.media.v1 import internal_pb2
from vitascope.tasks.v1 import specs_pb2 as specs_v1
from vitascope.tasks.v2 import events_pb2
from vitascope.tasks.v2 import specs_pb2 as specs_v2
from vitascope.tasks.v2 import tasks_pb2 as tasks_v2
from vitascope.work.v1 import work_pb2

# Files of version 1 stay a week, those of version 2 as long as the account says.
LIFETIMES = {"v1": Duration(seconds=604_800), "v2": None}


@VERSIONS
async def test_a_queued_task(service: Service, version: str) -> None:
    (status,) = await create(service, version, defined(version, "image.info", url=URL))
    assert (status.status, len(status.key)) == ("queued", 26)
    assert status.progress.WhichOneof("kind") == "null_value"
    assert status.events.HasField("queued")
    assert not status.events.HasField("started")
    assert not status.HasField("result")
    assert (await status_of(service, version, status.key)) == [status]


@VERSIONS
async def test_a_task_from_beginning_to_end(service: Service, version: str) -> None:
    definition = defined(version, "image.thumb", url=URL, width=120)
    (created,) = await create(service, version, definition)
    worker = await Worker(service).hello(kinds=KINDS)
    assignment = await worker.hear()
    spec = specs_v2.ImageThumbSpec.FromString(assignment.spec)
    assert (assignment.kind, spec.url, spec.width) == ("image.thumb", URL, 120)
    assert assignment.destination == internal_pb2.Destination(
        account=internal_pb2.AccountDestination(account_id="team-a", lifetime=LIFETIMES[version])
    )
    (running,) = await status_of(service, version, created.key)
    assert (running.status, running.progress.number_value) == ("executing", 0)
    assert running.events.HasField("started")

    await worker.say(progress=work_pb2.Progress(lease=assignment.lease, percent=60))
    result = specs_v2.ImageThumbResult(
        width=120, height=80, original_width=1200, original_height=800, output="team-a/K/dragon"
    )
    await worker.succeed(assignment.lease, result.SerializeToString())
    (done,) = await status_of(service, version, created.key)
    assert (done.status, done.progress.number_value) == ("success", 100)
    assert done.events.HasField("completed")
    assert plain(done.result) == {
        "width": 120,
        "height": 80,
        "original_width": 1200,
        "original_height": 800,
        "output": f"{PUBLIC_URL}/storage/team-a/K/dragon",
    }


async def test_a_result_says_what_its_version_documents(service: Service) -> None:
    (created,) = await create(service, "v2", defined("v2", "image.info", url=URL))
    worker = await Worker(service).hello(kinds=KINDS)
    result = specs_v2.ImageInfoResult(content_type="image/jpeg", exif_orientation=6)
    await worker.succeed((await worker.hear()).lease, result.SerializeToString())
    (by_v1,) = await status_of(service, "v1", created.key)
    (by_v2,) = await status_of(service, "v2", created.key)
    assert plain(by_v2.result)["exif_orientation"] == 6
    assert plain(by_v2.result)["flash"] is None
    assert "exif_orientation" not in plain(by_v1.result)
    assert plain(by_v1.result)["content_type"] == "image/jpeg"


@VERSIONS
async def test_bad_tasks_end_at_once_and_the_others_go_on(service: Service, version: str) -> None:
    missing, good, unknown, nameless = await create(
        service,
        version,
        defined(version, "image.info", width=5),
        defined(version, "image.info", url=URL),
        defined(version, "image.levitate", url=URL),
        defined(version, "", url=URL),
    )
    assert error_of(version, missing) == {
        "parameters": {"url": ["this field is required"], "width": ["unknown parameter"]}
    }
    assert (missing.status, missing.progress.WhichOneof("kind")) == ("error", "null_value")
    assert missing.events.HasField("queued")
    assert missing.events.HasField("completed")
    assert good.status == "queued"
    assert error_of(version, unknown) == {"parameters": {"task_name": ["unknown task"]}}
    assert error_of(version, nameless) == {"parameters": {"task_name": ["this field is required"]}}
    again = await status_of(service, version, missing.key, good.key, unknown.key, nameless.key)
    assert again == [missing, good, unknown, nameless]


@VERSIONS
async def test_what_is_wrong_with_a_failed_task(service: Service, version: str) -> None:
    (created,) = await create(service, version, defined(version, "image.info", url=URL))
    worker = await Worker(service).hello(kinds=KINDS)
    await worker.fail((await worker.hear()).lease, "This is no image.")
    (failed,) = await status_of(service, version, created.key)
    assert (failed.status, error_of(version, failed)) == ("error", "This is no image.")


async def test_a_cancelled_task_is_an_error(service: Service) -> None:
    (created,) = await create(service, "v2", defined("v2", "image.info", url=URL))
    request = work_pb2.CancelItemsRequest(owner="tasks", request_ids=[created.key])
    await service.ledger.CancelItems(request, metadata=by("tasks"))
    (status,) = await status_of(service, "v2", created.key)
    assert (status.status, plain(status.error)) == ("error", "The task was cancelled.")


@VERSIONS
async def test_unknown_keys(service: Service, version: str) -> None:
    keys = ["A" * 26, "not a key", "with a \0", ""]
    for key, status in zip(keys, await status_of(service, version, *keys), strict=True):
        assert (status.key, status.status) == (key, "error")
        assert error_of(version, status) == "there is no task with this ID"
        assert status.HasField("events")


async def test_work_of_others_is_no_task(service: Service) -> None:
    (item,) = await service.submit("a")
    (status,) = await status_of(service, "v2", item.item_id)
    assert plain(status.error) == "there is no task with this ID"


@VERSIONS
async def test_statuses_come_in_the_order_asked(service: Service, version: str) -> None:
    definitions = [defined(version, "image.info", url=f"{URL}?{n}") for n in range(5)]
    keys = [status.key for status in await create(service, version, *definitions)]
    asked = [keys[3], keys[0], "A" * 26, keys[0], keys[4]]
    assert [each.key for each in await status_of(service, version, *asked)] == asked


@VERSIONS
async def test_block_waits_for_all(service: Service, version: str) -> None:
    definitions = [defined(version, "image.info", url=URL) for _ in range(2)]
    bad = defined(version, "image.info")
    waiting = asyncio.create_task(create(service, version, *definitions, bad, block=True))
    worker = await Worker(service).hello(kinds=KINDS)
    first = await worker.hear()
    await worker.succeed(first.lease)
    second = await worker.hear()
    by_status = asyncio.create_task(status_of(service, version, second.lease.item_id, block=True))
    assert not waiting.done()
    await worker.fail(second.lease, "No.")
    async with asyncio.timeout(60):
        assert sorted(each.status for each in await waiting) == ["error", "error", "success"]
        assert [each.status for each in await by_status] == ["error"]


async def test_block_ends_with_its_deadline(service: Service) -> None:
    request = tasks_v2.CreateRequest(tasks=[defined("v2", "image.info", url=URL)], block=True)
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await service.v2.Create(request, metadata=BY_ACCOUNT, timeout=0.5)
    assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@VERSIONS
async def test_create_needs_an_account(service: Service, version: str) -> None:
    request = MODULES[version].CreateRequest(tasks=[defined(version, "image.info", url=URL)])
    for metadata in ((), Identities().bearer()):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await getattr(service, version).Create(request, metadata=metadata)
        assert refused.value.code() in (
            grpc.StatusCode.UNAUTHENTICATED,
            grpc.StatusCode.PERMISSION_DENIED,
        )


@VERSIONS
async def test_a_request_without_tasks(service: Service, version: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await create(service, version)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_the_events_of_a_task(service: Service, db: Database) -> None:
    (created, refused) = await create(
        service, "v2", defined("v2", "image.info", url=URL), defined("v2", "image.info")
    )
    worker = await Worker(service).hello(kinds=KINDS)
    await worker.succeed((await worker.hear()).lease)
    async with db.reading() as tx:
        waiting = await mailboxes.oldest(tx, outbox, 100)
    assert {each.topic for each in waiting} == {"vitascope.tasks.v1"}
    events = [events_pb2.TaskEvent.FromString(each.value) for each in waiting]
    assert {(event.account_id, event.task_name) for event in events} == {("team-a", "image.info")}
    happened = [event.WhichOneof("happening") for event in events if event.key == created.key]
    assert happened == ["queued", "started", "finished"]
    assert events[-1].finished.status == "success"
    (error,) = [event for event in events if event.key == refused.key]
    assert error.finished == events_pb2.TaskFinished(
        status="error", error_message="url: this field is required"
    )


async def test_version_1_carries_its_own_spec(service: Service) -> None:
    definition = defined("v1", "image.thumb", url=URL, rotation=90, crop=True)
    await create(service, "v1", definition)
    worker = await Worker(service).hello(kinds=KINDS)
    spec = specs_v2.ImageThumbSpec.FromString((await worker.hear()).spec)
    assert (spec.rotation, spec.crop) == (90, True)
    assert spec.format == specs_v1.ImageThumbSpec().format
