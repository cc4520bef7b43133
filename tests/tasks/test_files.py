"""`create_file` and `file` over real gRPC: the status and the headers, and what is said."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from services.chassis.errors import Unavailable
from services.tasks.actions import tasks as use_cases
from services.tasks.api.definitions import read_definition
from services.tasks.api.versions import V2
from tests.tasks.asking import KINDS, MODULES, URL, VERSIONS, create, defined, error_of
from tests.tasks.desk import Desk
from tests.tasks.service import BY_ACCOUNT, PUBLIC_URL, Service, Worker, becomes_true
from vitascope.tasks.v2 import specs_pb2 as specs_v2
from vitascope.work.v1 import work_pb2

FILM = "video.create"


@dataclass
class Answer:
    """What HTTP is told, and what the body says."""

    status: int
    headers: dict[str, str]
    message: Any

    @property
    def location(self) -> str:
        return self.headers["location"]


async def read(call: Any) -> Answer:
    message = await call
    found = {key: str(value) for key, value in await call.initial_metadata()}
    prefix = "http-header-"
    headers = {key[len(prefix) :]: text for key, text in found.items() if key.startswith(prefix)}
    return Answer(int(found["http-status"]), headers, message)


async def create_file(
    service: Service, version: str, filename: str, definition: Any, **given: Any
) -> Answer:
    request = MODULES[version].CreateFileRequest(filename=filename, task=definition, **given)
    return await read(getattr(service, version).CreateFile(request, metadata=BY_ACCOUNT))


async def get_file(service: Service, version: str, key: str, filename: str = "") -> Answer:
    request = MODULES[version].GetFileRequest(filename=filename, task=key)
    return await read(getattr(service, version).GetFile(request))


def thumbnail(version: str, **given: Any) -> Any:
    return defined(version, "image.thumb", url=URL, **given)


async def make_thumbnail(worker: Worker, path: str = "team-a/K/dragon") -> str:
    """Have a worker do the next task; return its key."""
    assignment = await worker.hear()
    result = specs_v2.ImageThumbResult(width=120, height=80, output=path)
    await worker.succeed(assignment.lease, result.SerializeToString())
    return str(assignment.lease.item_id)


@VERSIONS
@pytest.mark.parametrize("filename", ["", "output", "cat.jpg"])
async def test_a_file_under_any_name_where_there_is_one(
    service: Service, version: str, filename: str
) -> None:
    asked = asyncio.create_task(create_file(service, version, filename, thumbnail(version)))
    worker = await Worker(service).hello(kinds=KINDS)
    key = await make_thumbnail(worker)
    by_create, by_key = await asked, await get_file(service, version, key, filename)
    for answer in (by_create, by_key):
        assert answer.status == 302
        assert answer.location == f"{PUBLIC_URL}/storage/team-a/K/dragon"
        assert (answer.message.task.key, answer.message.task.status) == (key, "success")
    assert by_create.headers["cache-control"] == "no-store"
    assert by_key.headers["cache-control"] == "private, max-age=60"


@VERSIONS
@pytest.mark.parametrize("filename", ["", "medium", "output"])
async def test_a_name_that_is_none_queues_nothing(
    service: Service, version: str, filename: str
) -> None:
    answer = await create_file(service, version, filename, defined(version, FILM, definition="x"))
    assert answer.status == 404
    problem = answer.message.problem
    sentence = (
        f"'{filename}' is not a valid filename, choose one of: 'preview', 'export', 'thumbnail'"
    )
    assert problem.status == "error"
    assert (problem.message if version == "v1" else problem.error) == sentence
    async with service.db.reading() as tx:
        assert (await tx.exec_driver_sql("SELECT count(*) FROM items")).scalar() == 0


@VERSIONS
async def test_a_kind_without_files(service: Service, version: str) -> None:
    answer = await create_file(service, version, "cat.jpg", defined(version, "image.info", url=URL))
    assert answer.status == 404
    assert "this task has no files" in str(answer.message.problem)


@VERSIONS
async def test_a_task_that_fails_is_the_body(service: Service, version: str) -> None:
    wrong = await create_file(service, version, "", defined(version, "image.thumb", url=7))
    unknown = await create_file(service, version, "", defined(version, "image.levitate"))
    asked = asyncio.create_task(create_file(service, version, "", thumbnail(version)))
    worker = await Worker(service).hello(kinds=KINDS)
    await worker.fail((await worker.hear()).lease, "This is no image.")
    failed = await asked
    again = await get_file(service, version, failed.message.task.key)
    for answer, error in (
        (wrong, {"parameters": {"url": ["must be a string"]}}),
        (unknown, {"parameters": {"task_name": ["unknown task"]}}),
        (failed, "This is no image."),
        (again, "This is no image."),
    ):
        assert (answer.status, answer.message.task.status) == (400, "error")
        assert error_of(version, answer.message.task) == error
        assert answer.headers["cache-control"] == "no-store"


@VERSIONS
async def test_the_file_of_an_unknown_key(service: Service, version: str) -> None:
    answer = await get_file(service, version, "A" * 26)
    assert answer.status == 400
    assert error_of(version, answer.message.task) == "there is no task with this ID"


async def test_a_partial_result_is_enough(service: Service) -> None:
    (created,) = await create(service, "v2", thumbnail("v2"))
    asked = asyncio.create_task(get_file(service, "v2", created.key))
    worker = await Worker(service).hello(kinds=KINDS)
    lease = (await worker.hear()).lease
    await worker.say(progress=work_pb2.Progress(lease=lease, percent=10))
    partial = specs_v2.ImageThumbResult(output="team-a/K/early").SerializeToString()
    await worker.say(progress=work_pb2.Progress(lease=lease, percent=20, partial_result=partial))
    answer = await asked
    assert (answer.status, answer.message.task.status) == (302, "executing")
    assert answer.location.endswith("/team-a/K/early")


async def test_a_result_without_the_file(service: Service) -> None:
    asked = asyncio.create_task(create_file(service, "v2", "", thumbnail("v2")))
    worker = await Worker(service).hello(kinds=KINDS)
    await worker.succeed(
        (await worker.hear()).lease, specs_v2.ImageThumbResult().SerializeToString()
    )
    assert (await asked).status == 404


async def test_an_address_tells_the_task_in_texts(service: Service) -> None:
    request = MODULES["v2"].CreateFileByQueryRequest(filename="cat.jpg", task_name="image.thumb")
    request.parameters.update({"url": URL, "width": "120", "crop": "true"})
    asked = asyncio.create_task(read(service.v2.CreateFileByQuery(request, metadata=BY_ACCOUNT)))
    worker = await Worker(service).hello(kinds=KINDS)
    assignment = await worker.hear()
    spec = specs_v2.ImageThumbSpec.FromString(assignment.spec)
    assert (spec.width, spec.crop) == (120, True)
    result = specs_v2.ImageThumbResult(output="team-a/K/dragon").SerializeToString()
    await worker.succeed(assignment.lease, result)
    answer = await asked
    assert answer.status == 302
    assert answer.headers["cache-control"] == "private, max-age=60"


async def test_a_repeat_by_the_same_name_is_the_same_task(service: Service) -> None:
    named = {"idempotency_key": "once"}
    first = asyncio.create_task(create_file(service, "v2", "", thumbnail("v2"), **named))
    worker = await Worker(service).hello(kinds=KINDS)
    key = await make_thumbnail(worker)
    again = await create_file(service, "v2", "cat.jpg", thumbnail("v2"), **named)
    assert (await first).message.task.key == again.message.task.key == key
    with pytest.raises(grpc.aio.AioRpcError) as taken:
        await create_file(service, "v2", "", thumbnail("v2", width=5), **named)
    assert taken.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_waiting_ends_after_a_while(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_cases, "BLOCK_SECONDS", 0.2)
    (queued,) = await create(service, "v2", thumbnail("v2"), block=True)
    assert queued.status == "queued"
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await get_file(service, "v2", queued.key)
    assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
    assert queued.key in str(ended.value.details())


@pytest.mark.parametrize("waiting_already", [True, False])
async def test_waiting_ends_when_the_process_stops(desk: Desk, waiting_already: bool) -> None:
    new = read_definition(V2, thumbnail("v2"), "team")
    created = await desk.tasks.create([new])
    key = created[0].record.key
    waits: list[Coroutine[Any, Any, Any]] = [
        desk.tasks.until(key, lambda item: item.ended),
        desk.tasks.wait([key]),
        desk.tasks.ended(created),
    ]
    if not waiting_already:
        desk.live.close()
    asked = [asyncio.create_task(each) for each in waits]

    async def all_wait() -> bool:
        return bool(desk.live.watches.watched() and desk.live.feeds.followed())

    if waiting_already:
        await becomes_true(all_wait, "somebody to wait in both ways")
    desk.live.close()
    for each in asked:
        with pytest.raises(Unavailable) as ended:
            await each
        assert ended.value.retry_after == 1
