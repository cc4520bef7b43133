"""Tasks that are not kept any more: their keys tell so for a while."""

from datetime import timedelta

import grpc
import pytest

from services.chassis.database import Database, now
from services.chassis.errors import from_rpc
from services.tasks.actions.retention import KEYS_KEPT, Retention
from services.tasks.model import new_key
from tests.tasks.asking import MODULES, URL, VERSIONS, create, defined, error_of, status_of
from tests.tasks.service import Service

WEEK = timedelta(days=7)


async def keys_of_old_and_new(service: Service, db: Database) -> tuple[str, str]:
    """Create a task that has expired and one that waits; return their keys."""
    (old,) = await create(service, "v2", defined("v2", "image.info"))
    await Retention(db, WEEK, lambda: now() + WEEK + timedelta(minutes=1)).sweep()
    (new,) = await create(service, "v2", defined("v2", "image.info", url=URL))
    return old.key, new.key


@VERSIONS
async def test_a_request_for_what_expired_is_404(
    service: Service, db: Database, version: str
) -> None:
    old, _ = await keys_of_old_and_new(service, db)
    stub, messages = getattr(service, version), MODULES[version]
    for call, field in (
        (stub.GetStatus(messages.GetStatusRequest(tasks=[old, old])), "tasks"),
        (stub.GetStatus(messages.GetStatusRequest(tasks=[old], block=True)), "tasks"),
        (stub.GetFile(messages.GetFileRequest(task=old)), "task"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as gone:
            await call
        error = from_rpc(gone.value)
        assert error.code is grpc.StatusCode.NOT_FOUND
        assert [each.field for each in error.violations] == [field]


@VERSIONS
async def test_among_others_it_is_a_status(service: Service, db: Database, version: str) -> None:
    old, new = await keys_of_old_and_new(service, db)
    unknown = "A" * 26
    statuses = await status_of(service, version, old, new, unknown, old)
    assert [each.status for each in statuses] == ["error", "queued", "error", "error"]
    assert [each.key for each in statuses] == [old, new, unknown, old]
    assert error_of(version, statuses[0]) == "the task with this ID has expired"
    assert error_of(version, statuses[2]) == "there is no task with this ID"


async def test_keys_of_expired_tasks_are_forgotten_in_the_end(
    service: Service, db: Database
) -> None:
    old, _ = await keys_of_old_and_new(service, db)
    await Retention(db, WEEK, lambda: now() + KEYS_KEPT).sweep()
    with pytest.raises(grpc.aio.AioRpcError):
        await status_of(service, "v2", old)
    await Retention(db, WEEK, lambda: now() + WEEK + KEYS_KEPT + WEEK).sweep()
    (status,) = await status_of(service, "v2", old)
    assert error_of("v2", status) == "there is no task with this ID"


async def test_ten_thousand_keys_at_once(service: Service, db: Database) -> None:
    old, new = await keys_of_old_and_new(service, db)
    keys = [old, new, *(new_key() for _ in range(9998))]
    statuses = await status_of(service, "v2", *keys, block=False)
    assert [each.key for each in statuses] == keys
    assert error_of("v2", statuses[0]) == "the task with this ID has expired"
    assert statuses[1].status == "queued"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await status_of(service, "v2", *keys, new)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
