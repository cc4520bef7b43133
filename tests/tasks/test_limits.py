"""What an account may create: counted with what is created, whichever replica creates it."""

import asyncio
from typing import Any

import grpc
import pytest

from services.chassis.database import Database
from services.chassis.errors import from_rpc
from services.chassis.keyring import AccountKey
from services.chassis.limits import Limits
from services.tasks.actions.allowance import Allowance
from services.tasks.actions.tasks import Name, Task
from services.tasks.api.definitions import read_definition
from services.tasks.api.versions import V2
from services.tasks.model import LimitReached
from tests.kit.identities import Identities
from tests.tasks.asking import KINDS, URL, create, defined
from tests.tasks.desk import Clock, Desk
from tests.tasks.service import STORED_BYTES, Service, Worker, serving

TEAM = "team"


def good() -> Any:
    return read_definition(V2, defined("v2", "image.info", url=URL), TEAM)


def bad() -> Any:
    return read_definition(V2, defined("v2", "image.info"), TEAM)


async def ask(desk: Desk, number: int, name: Name | None = None, **limits: int) -> list[Task]:
    """Create so many tasks under these limits."""
    allowance = Allowance(TEAM, Limits(**limits))
    return await desk.tasks.create([good() for _ in range(number)], name, allowance=allowance)


async def test_tasks_in_flight(desk: Desk) -> None:
    await ask(desk, 2, tasks_in_flight=3)
    with pytest.raises(LimitReached) as reached:
        await ask(desk, 2, tasks_in_flight=3)
    message = reached.value.message
    assert "3 tasks that wait or run (tasks_in_flight)" in message
    assert "It has 2, and the request has 2 more" in message
    (last,) = await ask(desk, 1, tasks_in_flight=3)
    await desk.queue.cancel("tasks", [last.record.key])
    await ask(desk, 1, tasks_in_flight=3)


async def test_what_runs_or_waits_for_its_parts_is_in_flight_and_parts_are_not(desk: Desk) -> None:
    await ask(desk, 2, tasks_in_flight=2)
    session = await desk.enter(kind="image.info", slots=2)
    first = await desk.lease(session)
    await desk.split(session, first, 1, 1, 1)
    with pytest.raises(LimitReached, match="It has 2,"):
        await ask(desk, 1, tasks_in_flight=2)


async def test_work_of_others_is_not_in_flight(desk: Desk) -> None:
    await desk.submit("a", "b", "c", account=TEAM)
    await ask(desk, 1, tasks_in_flight=1)


async def test_tasks_that_never_run_are_not_in_flight(desk: Desk) -> None:
    await ask(desk, 1, tasks_in_flight=1)
    allowance = Allowance(TEAM, Limits(tasks_in_flight=1))
    await desk.tasks.create([bad(), bad()], allowance=allowance)


async def test_tasks_a_minute_come_back_evenly(desk: Desk, clock: Clock) -> None:
    await ask(desk, 4, tasks_per_minute=6)
    with pytest.raises(LimitReached) as reached:
        await ask(desk, 3, tasks_per_minute=6)
    assert "6 tasks a minute (tasks_per_minute). 2 are left" in reached.value.message
    assert reached.value.retry_after == 10
    await ask(desk, 2, tasks_per_minute=6)
    clock.turn(9)
    with pytest.raises(LimitReached):
        await ask(desk, 1, tasks_per_minute=6)
    clock.turn(1)
    await ask(desk, 1, tasks_per_minute=6)
    clock.turn(3600)
    await ask(desk, 6, tasks_per_minute=6)
    with pytest.raises(LimitReached, match="make smaller requests"):
        await ask(desk, 7, tasks_per_minute=6)


async def test_a_repeat_takes_nothing_and_is_not_refused(desk: Desk) -> None:
    name = Name(TEAM, "once", "0" * 64)
    (first,) = await ask(desk, 1, name, tasks_in_flight=1, tasks_per_minute=1)
    (again,) = await ask(desk, 1, name, tasks_in_flight=1, tasks_per_minute=1)
    assert again.record.key == first.record.key


async def test_a_refused_request_leaves_its_name_free(desk: Desk, clock: Clock) -> None:
    name = Name(TEAM, "later", "0" * 64)
    await ask(desk, 1, tasks_per_minute=1)
    with pytest.raises(LimitReached):
        await ask(desk, 1, name, tasks_per_minute=1)
    clock.turn(60)
    assert len(await ask(desk, 1, name, tasks_per_minute=1)) == 1


async def test_who_is_refused_costs_the_others_nothing(desk: Desk) -> None:
    asked = [ask(desk, 1, tasks_in_flight=5) for _ in range(20)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, list) for each in outcomes) == 5
    assert sum(isinstance(each, LimitReached) for each in outcomes) == 15
    assert (await desk.counts())[TEAM] == (5, 0)


@pytest.mark.parametrize("limit", ["tasks_in_flight", "tasks_per_minute"])
async def test_limits_hold_over_all_replicas(db: Database, clock: Clock, limit: str) -> None:
    desks = [Desk(db, clock) for _ in range(1 if db.is_sqlite else 3)]
    allowance = Allowance(TEAM, Limits(**{limit: 21}))
    asked = [
        desks[n % len(desks)].tasks.create([good(), good()], allowance=allowance) for n in range(40)
    ]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(len(each) for each in outcomes if isinstance(each, list)) == 20
    assert all(isinstance(each, list | LimitReached) for each in outcomes)
    assert (await desks[0].counts())[TEAM] == (20, 0)


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        (Limits(tasks_in_flight=1), "tasks_in_flight"),
        (Limits(tasks_per_minute=1), "tasks_per_minute"),
        (Limits(stored_bytes=STORED_BYTES), "stored_bytes"),
    ],
)
async def test_the_whole_request_is_refused(db: Database, limits: Limits, named: str) -> None:
    identities = Identities()
    identities.secrets["A SECRET"] = AccountKey("team-a", "ann", limits)
    async with serving(db, identities) as service:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await create(service, "v2", *[defined("v2", "image.info", url=URL)] * 2)
        error = from_rpc(refused.value)
        assert (error.code, error.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "AccountLimitException",
        )
        (problem,) = error.violations
        assert (problem.field, problem.location) == (named, "account")
        assert named in problem.description
        async with db.reading() as tx:
            assert (await tx.exec_driver_sql("SELECT count(*) FROM items")).scalar() == 0


async def test_below_the_limits_all_goes_well(db: Database) -> None:
    identities = Identities()
    limits = Limits(tasks_in_flight=1, tasks_per_minute=9, stored_bytes=STORED_BYTES + 1)
    identities.secrets["A SECRET"] = AccountKey("team-a", "ann", limits)
    async with serving(db, identities) as service:
        for _ in range(3):
            await create(service, "v2", defined("v2", "image.info", url=URL))
            await finish_one(service)


async def finish_one(service: Service) -> None:
    worker = await Worker(service).hello(kinds=KINDS)
    await worker.succeed((await worker.hear()).lease)
    await worker.call.done_writing()
