"""Streams of statuses, versions 1 and 2, over real gRPC."""

import gc
from typing import Any, TypeVar

import grpc
import pytest

from services.tasks.actions.following import Feed, Feeds
from tests.tasks.asking import KINDS, URL, VERSIONS, create, defined, error_of, plain, status_of
from tests.tasks.following import create_stream, status_stream
from tests.tasks.service import Service, Worker, becomes_true
from vitascope.tasks.v2 import specs_pb2
from vitascope.work.v1 import work_pb2

T = TypeVar("T")
INFO = specs_pb2.ImageInfoResult(content_type="image/jpeg", width=3)
PARTIAL = specs_pb2.ImageInfoResult(width=3).SerializeToString()


def shown(*statuses: Any) -> list[tuple[str, str, float | None]]:
    """Return key, status and progress of each."""
    return [(each.key, each.status, plain(each.progress)) for each in statuses]


async def report(worker: Worker, lease: work_pb2.Lease, percent: float, **known: Any) -> None:
    await worker.say(progress=work_pb2.Progress(lease=lease, percent=percent, **known))


@VERSIONS
async def test_new_tasks_from_their_first_status_to_their_end(
    service: Service, version: str
) -> None:
    definitions = [defined(version, "image.info", url=f"{URL}?{n}") for n in range(2)]
    bad = defined(version, "image.info")
    stream = create_stream(service, version, definitions[0], bad, definitions[1])
    one, refused, two = await stream.first()
    assert [one.status, refused.status, two.status] == ["queued", "error", "queued"]
    assert error_of(version, refused) == {"parameters": {"url": ["this field is required"]}}
    worker = await Worker(service).hello(kinds=KINDS)
    lease = (await worker.hear()).lease
    assert shown(await stream.next()) == [(one.key, "executing", 0)]
    # People read it: two digits after the point are enough.
    await report(worker, lease, 40.256789)
    assert shown(await stream.next()) == [(one.key, "executing", 40.26)]
    await report(worker, lease, 40.256789, partial_result=PARTIAL)
    partial = await stream.next()
    assert (partial.status, plain(partial.result)) == ("executing", {"width": 3})
    assert (await status_of(service, version, one.key)) == [partial]
    await worker.succeed(lease, INFO.SerializeToString())
    done, begun = await stream.next(), await stream.next()
    assert [done.key, done.status, begun.key] == [one.key, "success", two.key]
    assert plain(done.result)["content_type"] == "image/jpeg"
    assert done.events.HasField("completed")
    await worker.fail((await worker.hear()).lease, "This is no image.")
    [failed] = await stream.rest()
    assert (failed.key, failed.status) == (two.key, "error")
    assert error_of(version, failed) == "This is no image."
    # What the stream told is what a call tells.
    assert (await status_of(service, version, one.key, two.key)) == [done, failed]


@VERSIONS
async def test_known_tasks_in_the_order_asked(service: Service, version: str) -> None:
    definitions = [defined(version, "image.info", url=f"{URL}?{n}") for n in range(2)]
    made = await create(service, version, *definitions, defined(version, "image.info"))
    worker = await Worker(service).hello(kinds=KINDS)
    lease = (await worker.hear()).lease
    await report(worker, lease, 30)
    runs, waits, ended = (each.key for each in made)
    asked = [ended, "A" * 26, waits, "no key", runs, waits]
    stream = status_stream(service, version, *asked)
    first = await stream.first()
    assert [each.key for each in first] == asked
    statuses = ["error", "error", "queued", "error", "executing", "queued"]
    assert [each.status for each in first] == statuses
    assert error_of(version, first[1]) == "there is no task with this ID"
    await worker.succeed(lease)
    await worker.succeed((await worker.hear()).lease)
    told = shown(*await stream.rest())
    assert [(runs, "success", 100), (waits, "success", 100)] == [
        each for each in told if each[1] == "success"
    ]
    assert [each for each in told if each[0] not in (runs, waits)] == []


@VERSIONS
async def test_nothing_to_follow_is_one_line(service: Service, version: str) -> None:
    [bad] = await create(service, version, defined(version, "image.info"))
    stream = status_stream(service, version, bad.key, "A" * 26)
    assert [each.status for each in await stream.first()] == ["error", "error"]
    assert await stream.rest() == []
    stream = create_stream(service, version, defined(version, "image.info"))
    assert [each.status for each in await stream.first()] == ["error"]
    assert await stream.rest() == []


@VERSIONS
async def test_another_try_is_told(service: Service, version: str) -> None:
    stream = create_stream(service, version, defined(version, "image.info", url=URL))
    await stream.first()
    worker = await Worker(service).hello(kinds=KINDS)
    for _ in range(2):
        await worker.fail((await worker.hear()).lease, "Come again.", retryable=True)
        assert (await stream.next()).status == "executing"
        assert (await stream.next()).status == "queued"
    await worker.succeed((await worker.hear()).lease)
    assert [each.status for each in await stream.rest()] == ["executing", "success"]


@VERSIONS
async def test_a_repeat_follows_the_tasks_that_there_are(service: Service, version: str) -> None:
    definition = defined(version, "image.info", url=URL)
    one = create_stream(service, version, definition, name="mine")
    [made] = await one.first()
    worker = await Worker(service).hello(kinds=KINDS)
    lease = (await worker.hear()).lease
    two = create_stream(service, version, definition, name="mine")
    [known] = await two.first()
    assert (known.key, known.status) == (made.key, "executing")
    await worker.succeed(lease)
    assert [each.status for each in await one.rest()] == ["executing", "success"]
    assert [each.status for each in await two.rest()] == ["success"]
    late = create_stream(service, version, definition, name="mine")
    assert [each.status for each in await late.first()] == ["success"]
    assert await late.rest() == []
    other = create_stream(service, version, definition, definition, name="mine")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await other.first()
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION


@VERSIONS
async def test_a_stream_of_new_tasks_needs_an_account(service: Service, version: str) -> None:
    stream = create_stream(service, version, defined(version, "image.info", url=URL), metadata=())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stream.first()
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


@VERSIONS
async def test_a_request_for_nothing(service: Service, version: str) -> None:
    for stream in (create_stream(service, version), status_stream(service, version)):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stream.first()
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@VERSIONS
async def test_ten_thousand_keys(service: Service, version: str) -> None:
    definitions = [defined(version, "image.info", url=URL) for _ in range(1000)]
    made = [each.key for each in await create(service, version, *definitions)]
    asked = [*made, *(f"{n:026}" for n in range(9000))]
    statuses = await status_of(service, version, *asked)
    assert [each.key for each in statuses] == asked
    stream = status_stream(service, version, *asked)
    assert await stream.first() == statuses
    assert [each.status for each in statuses[:1001]] == ["queued"] * 1000 + ["error"]
    for call in (status_of(service, version, *asked, "A"), _first(service, version, *asked, "A")):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@VERSIONS
async def test_more_than_an_answer_holds_is_said(service: Service, version: str) -> None:
    definitions = [defined(version, "image.info", url=URL) for _ in range(40)]
    made = [each.key for each in await create(service, version, *definitions)]
    worker = await Worker(service).hello(kinds=KINDS, slots=40)
    large = specs_pb2.ImageInfoResult(content_type="x" * 500_000).SerializeToString()
    for _ in made:
        message = await worker.hear()
        while not isinstance(message, work_pb2.Assignment):
            message = await worker.hear()
        finished = work_pb2.Finished(lease=message.lease, success=work_pb2.Success(result=large))
        await worker.say(finished=finished)
    assert len(await status_of(service, version, *made[:30], block=True)) == 30
    for call in (status_of(service, version, *made, block=True), _first(service, version, *made)):
        with pytest.raises(grpc.aio.AioRpcError, match="ask for fewer at once"):
            await call


async def _first(service: Service, version: str, *keys: str) -> Any:
    return await status_stream(service, version, *keys).first()


async def test_a_client_that_leaves_frees_everything(service: Service) -> None:
    stream = create_stream(service, "v2", defined("v2", "image.info", url=URL))
    [made] = await stream.first()
    assert [feeds.followed() for feeds in living(Feeds) if feeds] == [[made.key]]
    stream.call.cancel()
    await becomes_true(_nobody_follows, "the feed to go")


async def test_a_reader_that_stands_still_gets_the_newest_when_it_goes_on(service: Service) -> None:
    """The transport takes some lines; of the others each state has its newest."""
    stream = create_stream(service, "v2", defined("v2", "image.info", url=URL))
    [made] = await stream.first()
    worker = await Worker(service).hello(kinds=KINDS)
    lease = (await worker.hear()).lease
    known = specs_pb2.ImageInfoResult(content_type="x" * 60_000).SerializeToString()
    for step in range(1, 200):
        await report(worker, lease, step / 4, partial_result=known)
    await worker.succeed(lease)
    told = shown(*await stream.rest())
    assert told[-1] == (made.key, "success", 100)
    progress = [percent or 0 for _, status, percent in told if status == "executing"]
    assert progress == sorted(progress)
    assert 49.75 in progress
    assert len(progress) < 100


async def test_a_stop_ends_streams_and_says_to_come_again(service: Service) -> None:
    stream = create_stream(service, "v2", defined("v2", "image.info", url=URL))
    await stream.first()
    service.stop_waiting()
    for each in (stream, create_stream(service, "v2", defined("v2", "image.info", url=URL))):
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await each.rest() if each is stream else [await each.first(), await each.next()]
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE


async def _nobody_follows() -> bool:
    return not any(living(Feeds)) and not living(Feed)


def living(kind: type[T]) -> list[T]:
    """Return all objects of a type that are in memory."""
    gc.collect()
    return [each for each in gc.get_objects() if type(each) is kind]
