"""Who gets which item next."""

import asyncio
from collections import Counter

from services.chassis.database import Database
from services.tasks.actions.live import Accepted, Assigned
from services.tasks.model import Lane, Lease, State
from tests.tasks.desk import Clock, Desk, told


async def test_an_assignment_is_an_executing_item(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    session = await desk.enter("w1")
    assert await desk.assigned(session) == ["a"]
    item = await desk.item("a")
    assert (item.state, item.attempt, item.worker_id) == (State.EXECUTING, 1, "w1")
    assert item.started_at == clock.moment
    assert told(session) == [Assigned(item)]
    assert await desk.counts() == {"team": (0, 1)}


async def test_a_worker_gets_no_more_than_its_slots_and_only_its_kinds(desk: Desk) -> None:
    await desk.submit("a", "b", "c")
    other = await desk.enter("w1", kind="other")
    session = await desk.enter("w2", slots=2)
    assert await desk.assigned(session) == ["a", "b"]
    assert await desk.assigned(other) == []


async def test_work_spreads_over_workers(desk: Desk) -> None:
    await desk.submit("a", "b", "c", "d")
    sessions = [await desk.enter(f"w{n}", slots=4) for n in range(4)]
    await desk.leases.assign()
    assert [len(session.held) for session in sessions] == [1, 1, 1, 1]


async def test_accounts_take_turns(desk: Desk) -> None:
    await desk.submit(*(f"big {n}" for n in range(20)), account="big")
    await desk.submit("small 1", "small 2", account="small")
    session = await desk.enter(slots=4)
    assert Counter(name.split()[0] for name in await desk.assigned(session)) == {
        "big": 2,
        "small": 2,
    }


async def test_with_one_slot_the_account_served_longest_ago_is_next(
    desk: Desk, clock: Clock
) -> None:
    for account in ("a", "b", "c"):
        await desk.submit(f"{account}1", f"{account}2", account=account)
    session = await desk.enter()
    served = []
    for _ in range(6):
        served += await desk.assigned(session)
        (lease,) = session.held
        clock.turn(1)
        await desk.leases.succeed(session, lease, b"")
    assert sorted(served[:3]) == ["a1", "b1", "c1"]
    assert [name[0] for name in served[3:]] == [name[0] for name in served[:3]]


async def test_within_an_account_priority_goes_before_age(desk: Desk) -> None:
    await desk.submit("main", priority=5)
    await desk.submit("preview 1", "preview 2", priority=1)
    session = await desk.enter(slots=4)
    assert await desk.assigned(session) == ["preview 1", "preview 2", "main"]


async def test_short_work_does_not_wait_behind_long_work(desk: Desk) -> None:
    await desk.submit("film 1", "film 2", "film 3", lane=Lane.LONG)
    session = await desk.enter(slots=3)
    assert await desk.assigned(session) == ["film 1", "film 2"]
    await desk.submit("thumb")
    assert await desk.assigned(session) == ["film 1", "film 2", "thumb"]


async def test_an_account_with_only_long_work_does_not_hide_short_work_of_others(
    desk: Desk,
) -> None:
    await desk.submit("film", lane=Lane.LONG, account="studio")
    session = await desk.enter(slots=2)
    assert await desk.assigned(session) == ["film"]
    session.draining = True
    await desk.submit("thumb 1", account="thumbs")
    assert await desk.assigned(await desk.enter("other")) == ["thumb 1"]
    session.draining = False
    await desk.submit("another film", lane=Lane.LONG, account="films")
    await desk.submit("thumb 2", account="thumbs")
    assert await desk.assigned(session) == ["film", "thumb 2"]


async def test_a_worker_with_one_slot_takes_long_work(desk: Desk) -> None:
    await desk.submit("film", lane=Lane.LONG)
    assert await desk.assigned(await desk.enter(slots=1)) == ["film"]


async def test_a_draining_worker_gets_nothing_and_may_finish(desk: Desk) -> None:
    await desk.submit("a", "b")
    session = await desk.enter(slots=1)
    lease = await desk.lease(session)
    session.draining = True
    told(session)
    await desk.leases.succeed(session, lease, b"")
    assert await desk.assigned(session) == []
    assert told(session) == [Accepted(lease)]


async def test_replicas_share_the_work(db: Database, clock: Clock) -> None:
    desks = [Desk(db, clock) for _ in range(3)]
    await desks[0].submit(*(f"{n}" for n in range(60)), account="a")
    await desks[1].submit(*(f"{n}" for n in range(60)), account="b")
    sessions = [await desk.enter(f"w{n}", slots=4) for n, desk in enumerate(desks)]

    async def work(n: int) -> list[Lease]:
        done: list[Lease] = []
        while True:
            await desks[n].leases.assign()
            if not sessions[n].held:
                return done
            for lease in list(sessions[n].held):
                await desks[n].leases.succeed(sessions[n], lease, b"")
                done.append(lease)

    done = [lease for leases in await asyncio.gather(*map(work, range(3))) for lease in leases]
    assert len(done) == len(set(done)) == 120
    assert {lease.attempt for lease in done} == {1}
    assert await desks[0].counts() == {"a": (0, 0), "b": (0, 0)}


async def test_progress_frees_no_slot(desk: Desk) -> None:
    await desk.submit("film 1", "film 2", lane=Lane.LONG)
    session = await desk.enter(slots=1)
    lease = await desk.lease(session)
    desk.leases.progress(session, lease, 50, None)
    await desk.leases.save_progress()
    assert list(session.held) == [lease]
