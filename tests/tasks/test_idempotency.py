"""`Idempotency-Key`: a request that is repeated makes no second set of tasks."""

import asyncio
from datetime import timedelta
from typing import Any

import grpc
import pytest

from services.chassis.database import Database, now
from services.tasks.actions.retention import Retention
from tests.tasks.asking import MODULES, URL, VERSIONS, defined, error_of, status_of
from tests.tasks.service import BY_ACCOUNT, Service


async def create(
    service: Service, version: str, name: str, *definitions: Any, **fields: Any
) -> list[Any]:
    request = MODULES[version].CreateRequest(tasks=definitions, idempotency_key=name, **fields)
    stub = getattr(service, version)
    return list((await stub.Create(request, metadata=BY_ACCOUNT)).tasks)


@VERSIONS
async def test_a_repeat_returns_the_same_tasks(service: Service, version: str) -> None:
    asked = [defined(version, "image.info", url=f"{URL}?{n}") for n in range(3)]
    first = await create(service, version, "once", *asked)
    again = await create(service, version, "once", *asked)
    assert [each.key for each in again] == [each.key for each in first]
    assert [each.key for each in await create(service, version, "twice", *asked)] != [
        each.key for each in first
    ]
    assert again == await status_of(service, version, *(each.key for each in first))


async def test_concurrent_repeats_make_one_set_of_tasks(service: Service) -> None:
    asked = [defined("v2", "image.info", url=URL), defined("v2", "image.info")]
    answers = await asyncio.gather(*(create(service, "v2", "once", *asked) for _ in range(8)))
    assert len({tuple(each.key for each in answer) for answer in answers}) == 1
    good, bad = answers[-1]
    assert (good.status, bad.status) == ("queued", "error")
    assert error_of("v2", bad) == {"parameters": {"url": ["this field is required"]}}


async def test_another_request_by_the_same_name_is_refused(service: Service) -> None:
    await create(service, "v2", "once", defined("v2", "image.info", url=URL))
    for version, url in (("v2", f"{URL}?other"), ("v1", URL)):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await create(service, version, "once", defined(version, "image.info", url=url))
        assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert "Idempotency-Key" in (refused.value.details() or "")


async def test_a_refused_request_leaves_nothing(service: Service) -> None:
    """It is one of several that are stored together."""
    await create(service, "v2", "once", defined("v2", "image.info", url=URL))
    answers = await asyncio.gather(
        create(service, "v2", "once", defined("v2", "image.info", url=f"{URL}?other")),
        *(create(service, "v2", f"{n}", defined("v2", "image.info", url=URL)) for n in range(3)),
        return_exceptions=True,
    )
    assert isinstance(answers[0], grpc.aio.AioRpcError)
    assert all(isinstance(each, list) and each[0].status == "queued" for each in answers[1:])


async def test_an_empty_name_is_none(service: Service) -> None:
    asked = defined("v2", "image.info", url=URL)
    [first] = await create(service, "v2", "", asked)
    [second] = await create(service, "v2", "", asked)
    assert first.key != second.key


async def test_a_name_is_free_again_when_its_tasks_are_forgotten(
    service: Service, db: Database
) -> None:
    [first] = await create(service, "v2", "once", defined("v2", "image.info"))
    later = now() + timedelta(days=8)
    await Retention(db, timedelta(days=7), lambda: later).sweep()
    with pytest.raises(grpc.aio.AioRpcError) as gone:
        await status_of(service, "v2", first.key)
    assert gone.value.code() is grpc.StatusCode.NOT_FOUND
    [other] = await create(service, "v2", "once", defined("v2", "image.info", url=URL))
    assert (other.status, other.key != first.key) == ("queued", True)
