"""What stands around a task's parameters, and what is kept of it."""

from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from tests.tasks.asking import KINDS, URL, create, defined, plain, status_of
from tests.tasks.service import Service, Worker
from vitascope.tasks.v2 import tasks_pb2 as tasks_v2


async def test_details(service: Service) -> None:
    metas = {"mine": [1, {"x": None}]}
    definition = defined(
        "v2",
        "image.thumb",
        url="http://ann:password@files.example/a.jpg",
        width=120,
        task_store={"type": "volatile", "location": "eu"},
        task_metas=metas,
    )
    (created,) = await create(service, "v2", definition)
    (brief,) = await status_of(service, "v2", created.key)
    assert not brief.HasField("task_name")
    worker = await Worker(service).hello("worker 7", kinds=KINDS)
    assignment = await worker.hear()
    assert b"ann:password@" in assignment.spec
    (status,) = await status_of(service, "v2", created.key, details=True)
    assert (status.task_name, status.attempts, status.worker) == ("image.thumb", 1, "worker 7")
    assert json_format.MessageToDict(status.parameters) == {
        "url": "http://***@files.example/a.jpg",
        "width": 120,
        # What was not given, as this version has it.
        "crop": False,
        "format": "jpeg",
        "poster": False,
        "rotation": 0,
    }
    assert json_format.MessageToDict(status.task_store) == {
        "type": "volatile",
        "location": "eu",
    }
    assert plain(status.task_metas) == metas


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"task_store": {"type": "carrier pigeon"}}, "task_store"),
        ({"task_store": {"type": 5}}, "task_store"),
        ({"url_callback": "ftp://files.example/"}, "url_callback"),
        ({"url_callback": "http://"}, "url_callback"),
        ({"url_errback": "http://[broken/"}, "url_errback"),
        ({"url_errback": "http://a b/"}, "url_errback"),
    ],
)
async def test_bad_surroundings(service: Service, given: dict[str, Any], problem: str) -> None:
    (status,) = await create(service, "v2", defined("v2", "image.info", url=URL, **given))
    assert status.status == "error"
    assert plain(status.error)["parameters"].keys() == {problem}


@pytest.mark.parametrize("store", [{}, {"type": "persistent"}, {"type": "volatile"}])
async def test_good_surroundings(service: Service, store: dict[str, Any]) -> None:
    definition = defined(
        "v2",
        "image.info",
        url=URL,
        task_store=store,
        url_callback="https://client.example/done",
        url_errback="http://client.example:8080/failed?x=1",
    )
    (status,) = await create(service, "v2", definition)
    assert status.status == "queued"


async def test_strange_strings_are_kept(service: Service) -> None:
    definition = defined("v2", "image\0info", url="\0", task_metas="\0 é 🎞")
    (created,) = await create(service, "v2", definition)
    names = defined("v2", "image.info", url=URL, **{"a\0b": 1, "é 🎞": 2})
    (refused,) = await create(service, "v2", names)
    assert plain(refused.error)["parameters"].keys() == {"a\0b", "é 🎞"}
    assert await status_of(service, "v2", refused.key) == [refused]
    (status,) = await status_of(service, "v2", created.key, details=True)
    assert (status.task_name, plain(status.task_metas)) == ("image\0info", "\0 é 🎞")


async def test_numbers_that_json_does_not_have(service: Service) -> None:
    parameters = Struct()
    parameters.fields["width"].number_value = float("nan")
    definition = tasks_v2.TaskDefinition(task_name="image.thumb", parameters=parameters)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await create(service, "v2", definition)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
