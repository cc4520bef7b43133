"""How attempts are kept, reported and lost."""

import asyncio

from services.tasks.actions.live import Accepted, Lost
from services.tasks.model import LEASE, MAX_ATTEMPTS, RECONNECT, Lease, State
from tests.tasks.desk import Clock, Desk, told


async def test_a_result_is_taken_once_and_its_repeat_accepted(desk: Desk) -> None:
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)
    told(session)
    await desk.leases.succeed(session, lease, b"first")
    await desk.leases.succeed(session, lease, b"again")
    assert told(session) == [Accepted(lease)] * 2
    assert (await desk.item("a")).result == b"first"
    assert len(await desk.events()) == 3


async def test_the_repeat_of_a_failure_is_accepted_while_the_item_waits(desk: Desk) -> None:
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)
    told(session)
    await desk.leases.fail(session, lease, "storage is away", True)
    await desk.leases.fail(session, lease, "storage is away", True)
    assert told(session) == [Accepted(lease)] * 2
    assert (await desk.item("a")).state is State.QUEUED


async def test_a_retry_waits_its_time(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    session = await desk.enter()
    await desk.leases.fail(session, await desk.lease(session), "storage is away", True)
    assert await desk.assigned(session) == []
    clock.turn(1)
    assert await desk.assigned(session) == ["a"]
    assert (await desk.lease(session)).attempt == 2


async def test_a_lease_that_runs_out_is_lost(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    slow = await desk.enter("slow")
    lost = await desk.lease(slow)
    told(slow)
    clock.turn(LEASE.total_seconds() + 1)
    await desk.leases.sweep()
    assert told(slow) == [Lost(lost)]
    clock.turn(1)
    slow.draining = True
    other = await desk.enter("other")
    lease = await desk.lease(other)
    assert lease == Lease(lost.item_id, 2)

    await desk.leases.succeed(slow, lost, b"late")
    assert told(slow) == [Lost(lost)]
    assert (await desk.item("a")).state is State.EXECUTING
    await desk.leases.succeed(other, lease, b"right")
    assert (await desk.item("a")).result == b"right"


async def test_a_heartbeat_keeps_a_lease(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)
    for _ in range(5):
        clock.turn(LEASE.total_seconds() / 2)
        await desk.leases.renew(session, frozenset({lease}))
        await desk.leases.sweep()
    assert (await desk.item("a")).lease == lease
    assert (await desk.item("a")).state is State.EXECUTING


async def test_a_heartbeat_for_a_lost_lease_is_answered(desk: Desk) -> None:
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)
    told(session)
    stranger = Lease(lease.item_id, 7)
    await desk.leases.renew(session, frozenset({lease, stranger, Lease("NOTHING", 1)}))
    assert set(told(session)) == {Lost(stranger), Lost(Lease("NOTHING", 1))}
    assert list(session.held) == [lease]


async def test_a_worker_that_missed_the_answer_hears_that_its_result_stands(desk: Desk) -> None:
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)
    await desk.leases.succeed(session, lease, b"")
    told(session)
    await desk.leases.renew(session, frozenset({lease}))
    assert told(session) == [Accepted(lease)]


async def test_an_item_is_given_up_after_too_many_lost_leases(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    session = await desk.enter()
    for _ in range(MAX_ATTEMPTS):
        await desk.leases.assign()
        clock.turn(LEASE.total_seconds() + 1)
        await desk.leases.sweep()
        clock.turn(100)
    item = await desk.item("a")
    assert (item.state, item.attempt) == (State.ERROR, MAX_ATTEMPTS)
    assert item.error_message == "Gave up after 5 attempts: The worker that had it was lost."
    assert await desk.counts() == {"team": (0, 0)}
    assert session.lanes


async def test_a_worker_that_comes_back_keeps_its_items(desk: Desk, clock: Clock) -> None:
    await desk.submit("a", "b")
    broken = await desk.enter("w")
    lease = await desk.lease(broken)
    await desk.leases.leave(broken)
    clock.turn(RECONNECT.total_seconds() - 1)
    session = await desk.enter("w")
    assert await desk.assigned(session) == ["a"]
    await desk.leases.renew(session, frozenset({lease}))
    clock.turn(LEASE.total_seconds() - 1)
    await desk.leases.sweep()
    assert (await desk.item("a")).lease == lease
    await desk.leases.succeed(session, lease, b"")
    assert (await desk.item("a")).state is State.SUCCESS


async def test_the_late_end_of_a_broken_stream_does_not_touch_the_new_one(
    desk: Desk, clock: Clock
) -> None:
    await desk.submit("a")
    broken = await desk.enter("w")
    lease = await desk.lease(broken)
    session = await desk.enter("w")
    await desk.leases.renew(session, frozenset({lease}))
    await desk.leases.leave(broken)
    clock.turn(RECONNECT.total_seconds() + 1)
    await desk.leases.sweep()
    assert (await desk.item("a")).state is State.EXECUTING


async def test_a_dead_worker_loses_its_items_soon(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    dead = await desk.enter("dead")
    await desk.leases.assign()
    await desk.leases.leave(dead)
    other = await desk.enter("other")
    clock.turn(RECONNECT.total_seconds() - 1)
    await desk.leases.sweep()
    assert await desk.assigned(other) == []
    clock.turn(2)
    await desk.leases.sweep()
    clock.turn(1)
    assert await desk.assigned(other) == ["a"]


async def test_a_worker_that_starts_anew_says_that_it_has_nothing(desk: Desk, clock: Clock) -> None:
    await desk.submit("a", "b")
    dead = await desk.enter("w")
    await desk.leases.assign()
    await desk.leases.leave(dead)
    session = await desk.enter("w")
    assert await desk.assigned(session) == ["a"]
    await desk.leases.renew(session, frozenset())
    assert (await desk.item("a")).state is State.QUEUED
    assert await desk.assigned(session) == ["b"]


async def test_a_heartbeat_that_crosses_an_assignment_loses_nothing(desk: Desk) -> None:
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)
    await desk.leases.renew(session, frozenset())
    assert list(session.held) == [lease]
    assert (await desk.item("a")).state is State.EXECUTING


async def test_a_stream_that_ends_while_it_is_given_an_item_loses_it_soon(
    desk: Desk, clock: Clock
) -> None:
    await desk.submit("a")
    session = await desk.enter()
    assigning = asyncio.create_task(desk.leases.assign())
    await desk.leases.leave(session)
    await assigning
    clock.turn(RECONNECT.total_seconds() + 1)
    await desk.leases.sweep()
    assert (await desk.item("a")).state is State.QUEUED


async def test_progress_is_stored_and_announced_at_most_once_a_save(desk: Desk) -> None:
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)
    for percent in (10.0, 30.0, 20.0):
        desk.leases.progress(session, lease, percent, 5.0)
    await desk.leases.save_progress()
    await desk.leases.save_progress()
    item = await desk.item("a")
    assert (item.percent, item.eta_seconds) == (30, 5)
    assert [event.item.percent for event in await desk.events()] == [0, 0, 30]
    desk.leases.progress(session, lease, 100, None)
    await desk.leases.save_progress()
    assert (await desk.item("a")).percent == 99


async def test_progress_of_a_lost_lease_is_not_noted(desk: Desk) -> None:
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)
    told(session)
    stranger = Lease(lease.item_id, 9)
    desk.leases.progress(session, stranger, 50, None)
    await desk.leases.save_progress()
    assert told(session) == [Lost(stranger)]
    assert (await desk.item("a")).percent == 0


async def test_progress_starts_anew_with_an_attempt(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)
    desk.leases.progress(session, lease, 80, None)
    await desk.leases.save_progress()
    await desk.leases.fail(session, lease, "storage is away", True)
    clock.turn(2)
    second = await desk.lease(session)
    assert (await desk.item("a")).percent == 0
    desk.leases.progress(session, second, 10, None)
    await desk.leases.save_progress()
    assert (await desk.item("a")).percent == 10
