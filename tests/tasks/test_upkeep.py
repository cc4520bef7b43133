"""Deadlines, checkpoints, retention and the names of workers, over a real database."""

from datetime import timedelta

import pytest
from sqlalchemy import Table, func, select

from services.chassis.database import Database
from services.chassis.errors import Conflict
from services.tasks.actions.checkpoints import Checkpoints
from services.tasks.actions.deadlines import Deadlines
from services.tasks.actions.live import Cancelled, Drained, Lost, Session
from services.tasks.actions.retention import BATCH, Retention
from services.tasks.actions.roster import Roster
from services.tasks.model import (
    DEADLINE_GRACE,
    LEASE,
    TASKS,
    Lease,
    State,
    Submission,
    TaskRecord,
    new_key,
)
from services.tasks.store.tables import checkpoints, idempotency_keys, items, outbox, tasks
from tests.tasks.desk import KIND, SEALER, Clock, Desk, told

GRACE = DEADLINE_GRACE.total_seconds()
WEEK = timedelta(days=7)


async def enter(desk: Desk, deadline: float, worker: str = "w") -> Session:
    """Let a worker in that takes so long at most, in seconds."""
    session = Session(worker, frozenset({KIND}), 1, deadlines={KIND: deadline})
    await desk.leases.enter(session)
    return session


async def rows(db: Database, *tables: Table) -> list[int]:
    async with db.reading() as tx:
        return [await tx.scalar(select(func.count()).select_from(each)) or 0 for each in tables]


async def test_what_runs_past_its_deadline_ends_though_its_worker_lives(
    desk: Desk, clock: Clock
) -> None:
    await desk.submit("a")
    session = await enter(desk, 90)
    lease = await desk.lease(session)
    deadlines = Deadlines(desk.db, desk.writer)
    told(session)
    clock.turn(89 + GRACE)
    await desk.leases.renew(session, frozenset({lease}))
    await deadlines.sweep()
    assert (await desk.item("a")).state is State.EXECUTING
    clock.turn(2)
    await deadlines.sweep()
    item = await desk.item("a")
    assert (item.state, item.error_message) == (
        State.ERROR,
        "It took longer than the 90 seconds that are allowed.",
    )
    assert (item.deadline_at, item.lease_until, item.last_failure) == (
        None,
        None,
        item.error_message,
    )
    assert told(session) == [Cancelled(lease)]
    assert await desk.counts() == {"team": (0, 0)}
    await desk.leases.succeed(session, lease, b"late")
    assert told(session) == [Lost(lease)]


async def test_a_kind_without_a_deadline_may_take_for_ever(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)
    clock.turn(10**6)
    await desk.leases.renew(session, frozenset({lease}))
    await Deadlines(desk.db, desk.writer).sweep()
    assert (await desk.item("a")).state is State.EXECUTING


async def test_every_attempt_has_its_own_deadline(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    session = await enter(desk, 90)
    await desk.leases.fail(session, await desk.lease(session), "storage is away", True)
    item = await desk.item("a")
    assert (item.deadline_at, item.last_failure) == (None, "storage is away")
    clock.turn(60)
    await desk.lease(session)
    assert (await desk.item("a")).deadline_at == clock() + timedelta(seconds=90)


async def test_a_checkpoint_is_there_for_the_next_attempt(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    kept = Checkpoints(desk.db, SEALER)
    session = await desk.enter("first")
    lease = await desk.lease(session)
    assert await kept.of(await desk.item("a")) == b""
    kept.note(session, lease, b"1 of 3")
    kept.note(session, lease, b"2 of 3")
    await kept.save()
    assert (await desk.item("a")).checkpoint_bytes == 6
    clock.turn(LEASE.total_seconds() + 1)
    await desk.leases.sweep()
    assert told(session)[-1] == Lost(lease)
    kept.note(session, lease, b"3 of 3, but too late")
    assert told(session) == [Lost(lease)]
    await desk.leases.leave(session)
    clock.turn(1)
    other = await desk.enter("other")
    second = await desk.lease(other)
    assert await kept.of(await desk.item("a")) == b"2 of 3"
    kept.note(other, second, b"3 of 3")
    await kept.save()
    assert await kept.of(await desk.item("a")) == b"3 of 3"
    await kept.save_at_once(second, b"all 3")
    assert await kept.of(await desk.item("a")) == b"all 3"
    with pytest.raises(Conflict):
        await kept.save_at_once(lease, b"3 of 3, but too late")
    assert await kept.of(await desk.item("a")) == b"all 3"
    await desk.leases.succeed(other, second, b"")
    item = await desk.item("a")
    assert (item.checkpoint_bytes, await kept.of(item)) == (0, b"")
    with pytest.raises(Conflict):
        await kept.save_at_once(second, b"after the end")
    assert await rows(desk.db, checkpoints) == [0]


async def test_a_checkpoint_that_comes_in_before_the_end_is_not_stored_after_it(
    desk: Desk,
) -> None:
    await desk.submit("a")
    kept = Checkpoints(desk.db, SEALER)
    session = await desk.enter()
    lease = await desk.lease(session)
    kept.note(session, lease, b"almost")
    await desk.leases.succeed(session, lease, b"")
    await kept.save()
    assert await rows(desk.db, checkpoints) == [0]
    assert (await desk.item("a")).checkpoint_bytes == 0


@pytest.mark.parametrize("ends", ["badly", "cancelled"])
async def test_checkpoints_go_with_every_end(desk: Desk, ends: str) -> None:
    await desk.submit("a")
    kept = Checkpoints(desk.db, SEALER)
    session = await desk.enter()
    lease = await desk.lease(session)
    kept.note(session, lease, b"state")
    await kept.save()
    if ends == "badly":
        await desk.leases.fail(session, lease, "no video", False)
    else:
        await desk.queue.cancel("videos", ["a"])
    assert await rows(desk.db, checkpoints) == [0]


async def test_what_ended_long_ago_is_forgotten(desk: Desk, clock: Clock) -> None:
    await desk.submit("old", "runs", "waits")
    key = new_key()
    account = Submission(TASKS, "team", key, "image.info", refusal="url: missing")
    record = TaskRecord(key, {"task_name": "image.info"})
    await desk.tasks.create([(account, record)])
    session = await desk.enter()
    await desk.leases.succeed(session, await desk.lease(session), b"")
    await desk.lease(session)
    retention = Retention(desk.db, WEEK, clock)
    clock.turn(WEEK.total_seconds() - 1)
    await desk.leases.renew(session, frozenset(session.held))
    await retention.sweep()
    assert await rows(desk.db, items, tasks) == [4, 1]
    clock.turn(2)
    await retention.sweep()
    assert await rows(desk.db, items, tasks) == [2, 0]
    assert await desk.queue.get("videos", ["old"]) == []
    assert await desk.tasks.find([key]) == {}
    [again] = await desk.submit("old")
    assert (again.state, again.attempt) == (State.QUEUED, 0)
    assert sum((await desk.counts())["team"]) == 3


async def test_much_is_forgotten_in_small_transactions(desk: Desk, clock: Clock) -> None:
    refused = [
        Submission("videos", "team", f"{n}", KIND, refusal="no") for n in range(2 * BATCH + 1)
    ]
    await desk.queue.submit(refused)
    assert await rows(desk.db, items) == [2 * BATCH + 1]
    clock.turn(WEEK.total_seconds() + 1)
    await Retention(desk.db, WEEK, clock).sweep()
    assert await rows(desk.db, items, idempotency_keys) == [0, 0]


async def test_events_that_nobody_took_for_so_long_go_too(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    # The outbox tells the time by itself.
    async with desk.db.reading() as tx:
        written = (await tx.execute(select(outbox.c.time))).scalar_one()
    clock.moment = written + WEEK - timedelta(seconds=1)
    await Retention(desk.db, WEEK, clock).sweep()
    assert await rows(desk.db, outbox) == [1]
    clock.turn(2)
    await Retention(desk.db, WEEK, clock).sweep()
    assert await rows(desk.db, outbox, items) == [0, 1]


async def test_a_name_belongs_to_the_newest_stream(desk: Desk, clock: Clock) -> None:
    roster = Roster(desk.db, desk.live, clock)
    await desk.submit("a", "b")
    older = Session("w", frozenset({KIND}), 1)
    await roster.enter(older)
    await desk.leases.enter(older)
    lease = await desk.lease(older)
    newer = Session("w", frozenset({KIND}), 1)
    await roster.enter(newer)
    await desk.leases.enter(newer)
    assert older.superseded
    assert desk.live.sessions == [newer]
    assert list(newer.held) == [lease]
    await desk.leases.assign()
    assert list(newer.held) == [lease], "its slot is taken by what it inherited"
    # The end of the older stream, whenever it is noticed, takes nothing away.
    await desk.leases.renew(newer, frozenset({lease}))
    await desk.leases.leave(older)
    await roster.leave(older)
    clock.turn(LEASE.total_seconds() - 1)
    await desk.leases.sweep()
    assert (await desk.item("a")).lease == lease
    assert [each.stream_id for each in (await roster.all())[0]] == [newer.stream_id]


async def test_another_replica_ends_a_stream_whose_name_was_taken(desk: Desk, clock: Clock) -> None:
    other = Desk(desk.db, clock)
    here, there = (Roster(each.db, each.live, clock) for each in (desk, other))
    older, newer = (Session("w", frozenset({KIND}), 1) for _ in range(2))
    await here.enter(older)
    await desk.leases.enter(older)
    await there.enter(newer)
    await other.leases.enter(newer)
    await here.look()
    assert older.superseded
    assert desk.live.sessions == []
    await there.look()
    assert not newer.superseded


async def test_a_dead_replica_s_workers_are_forgotten(desk: Desk, clock: Clock) -> None:
    dead, alive = (Roster(desk.db, live, clock) for live in (Desk(desk.db, clock).live, desk.live))
    await dead.enter(Session("gone", frozenset({KIND}), 1))
    session = await desk.enter("here")
    await alive.enter(session)
    clock.turn(31)
    await alive.look()
    assert [each.worker_id for each in (await alive.all())[0]] == ["here"]


async def test_a_worker_is_told_to_drain_once(desk: Desk, clock: Clock) -> None:
    roster = Roster(desk.db, desk.live, clock)
    session = await desk.enter("w")
    await roster.enter(session)
    for _ in range(2):
        assert await roster.drain("w") == ["w"]
        await roster.look()
    assert told(session) == [Drained()]
    assert session.lanes == frozenset()


async def test_a_lease_that_nobody_holds_takes_no_checkpoint(desk: Desk) -> None:
    session = await desk.enter()
    stranger = Lease("NOTHING", 1)
    Checkpoints(desk.db, SEALER).note(session, stranger, b"state")
    assert told(session) == [Lost(stranger)]
