"""Items that are done in parts, and what is known of a result before the end."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from services.chassis import mailboxes
from services.tasks.actions.administration import Administration
from services.tasks.actions.checkpoints import Checkpoints
from services.tasks.actions.deadlines import Deadlines
from services.tasks.actions.live import Accepted, Cancelled, Lost, Session
from services.tasks.actions.retention import Retention
from services.tasks.model import (
    CALLED_OFF,
    DEADLINE_GRACE,
    LEASE,
    LONGEST_SPLIT,
    MAX_ATTEMPTS,
    MAX_PART_RESULT_BYTES,
    TASKS,
    Item,
    Lane,
    Lease,
    State,
    Submission,
    TaskRecord,
    new_key,
)
from services.tasks.store.tables import items, outbox, parts
from tests.tasks.desk import KIND, SEALER, Clock, Desk, told
from vitascope.tasks.v2.events_pb2 import TaskEvent

WEEK = timedelta(days=7)


async def split(desk: Desk, *weights: float, slots: int = 8) -> Session:
    """Have an item "a" that is 20 % done when it is split; its parts run, as far as there are
    slots."""
    await desk.submit("a")
    session = await desk.enter(slots=slots)
    lease = await desk.lease(session)
    desk.leases.progress(session, lease, 20, None)
    await desk.split(session, lease, *weights)
    return session


async def finish(desk: Desk, session: Session, item: Item, result: bytes = b"") -> None:
    await desk.leases.succeed(session, item.lease, result)
    await desk.splits.tend()
    if desk.live.stirred.is_set():
        await desk.leases.assign()


async def states(desk: Desk) -> Sequence[State]:
    return [part.state for part in await desk.parts("a")]


async def test_an_item_is_done_in_parts_and_joined(desk: Desk) -> None:
    session = await split(desk, 1, 3)
    whole = await desk.item("a")
    assert (whole.state, whole.shown_state, whole.lease_until) == (
        State.SPLIT,
        State.EXECUTING,
        None,
    )
    first, second = await desk.parts("a")
    assert (first.spec, second.spec, first.destination) == (b"part 0", b"part 1", b"beside")
    assert (first.account_id, first.lane, first.state) == ("team", Lane.SHORT, State.EXECUTING)
    assert await desk.counts() == {"team": (0, 2)}
    await finish(desk, session, second, b"two")
    assert (await desk.item("a")).state is State.SPLIT
    await finish(desk, session, first, b"one")
    whole = await desk.item("a")
    assert (whole.state, whole.attempt) == (State.EXECUTING, 2)
    assert [result for _, result in await desk.splits.results_of(whole)] == [b"one", b"two"]
    await desk.leases.succeed(session, whole.lease, b"joined")
    whole = await desk.item("a")
    assert (whole.state, whole.result, whole.percent) == (State.SUCCESS, b"joined", 100)
    assert await desk.counts() == {"team": (0, 0)}


async def test_what_is_told_is_the_whole_on_its_way(desk: Desk, clock: Clock) -> None:
    session = await split(desk, 1, 3)
    first, second = await desk.parts("a")
    clock.turn(10)
    desk.leases.progress(session, second.lease, 50, None)
    await desk.leases.save_progress()
    await desk.splits.tend()
    whole = await desk.item("a")
    # Of the 80 % that were left, the parts are 72 and the joining of them 8.
    assert whole.percent == pytest.approx(20 + 72 * 3 / 4 / 2)
    assert whole.eta_seconds == pytest.approx(10 * (1 - 0.9 * 3 / 8) / (0.9 * 3 / 8))
    # An attempt that was lost takes nothing back.
    await desk.leases.fail(session, second.lease, "storage is away", True)
    await desk.splits.tend()
    assert (await desk.item("a")).percent == whole.percent
    await finish(desk, session, first)
    clock.turn(2)
    await desk.leases.assign()
    await finish(desk, session, (await desk.parts("a"))[1])
    join = (await desk.item("a")).lease
    desk.leases.progress(session, join, 50, None)
    await desk.leases.save_progress()
    assert (await desk.item("a")).percent == pytest.approx(96)
    await desk.leases.succeed(session, join, b"")
    told_of = [event.item for event in await desk.events()]
    assert {item.owner for item in told_of} == {"videos"}
    percents = [item.percent for item in told_of]
    assert percents == sorted(percents)
    # queued, executing, success, whatever happened between
    assert [item.state for item in told_of] == [1, *[2] * (len(told_of) - 2), 3]


async def test_a_task_in_parts_starts_once_for_its_client(desk: Desk) -> None:
    key = new_key()
    submission = Submission(TASKS, "team", key, KIND)
    await desk.tasks.create([(submission, TaskRecord(key, {"task_name": KIND}))])
    session = await desk.enter()
    await desk.split(session, await desk.lease(session), 1)
    shown = (await desk.tasks.find([key]))[key].item
    assert (shown.state, shown.shown_state) == (State.SPLIT, State.EXECUTING)
    (part,) = session.held
    await desk.leases.succeed(session, part, b"")
    await desk.splits.tend()
    await desk.leases.succeed(session, await desk.lease(session), b"")
    async with desk.db.reading() as tx:
        waiting = await mailboxes.oldest(tx, outbox, 100)
    happened = [TaskEvent.FromString(each.value).WhichOneof("happening") for each in waiting]
    assert happened == ["queued", "started", "progressed", "progressed", "progressed", "finished"]


async def test_progress_is_saved_once_however_much_there_is(desk: Desk) -> None:
    session = await split(desk, 1, 1)
    before = len(await desk.events())
    for percent in (10.0, 20.0, 30.0):
        for part in await desk.parts("a"):
            desk.leases.progress(session, part.lease, percent, None)
    await desk.leases.save_progress()
    await desk.splits.tend()
    await desk.splits.tend()
    assert len(await desk.events()) == before + 1


async def test_a_bad_part_ends_the_whole_and_the_others(desk: Desk) -> None:
    session = await split(desk, 1, 1, 1, slots=2)
    bad, runs, waits = await desk.parts("a")
    assert (runs.state, waits.state) == (State.EXECUTING, State.QUEUED)
    told(session)
    await desk.leases.fail(session, bad.lease, "frame 7 is damaged", False)
    await desk.splits.tend()
    whole = await desk.item("a")
    assert (whole.state, whole.error_message) == (State.ERROR, "frame 7 is damaged")
    await desk.splits.tend()
    assert await states(desk) == [State.ERROR, State.CANCELLED, State.CANCELLED]
    assert Cancelled(runs.lease) in told(session)
    assert await desk.counts() == {"team": (0, 0)}


async def test_a_part_is_tried_again_before_it_is_bad(desk: Desk, clock: Clock) -> None:
    session = await split(desk, 1)
    for _ in range(MAX_ATTEMPTS):
        assert (await desk.item("a")).state is State.SPLIT
        (part,) = await desk.parts("a")
        await desk.leases.fail(session, part.lease, "storage is away", True)
        await desk.splits.tend()
        clock.turn(100)
        await desk.leases.assign()
    assert (await desk.item("a")).error_message == "Gave up after 5 attempts: storage is away"


async def test_cancelling_the_whole_ends_its_parts_at_once(desk: Desk) -> None:
    session = await split(desk, 1, 1, slots=1)
    runs, _ = await desk.parts("a")
    told(session)
    await desk.queue.cancel("videos", ["a"])
    assert await states(desk) == [State.CANCELLED, State.CANCELLED]
    assert told(session) == [Cancelled(runs.lease)]
    await desk.leases.succeed(session, runs.lease, b"late")
    assert told(session) == [Lost(runs.lease)]
    assert (await desk.item("a")).state is State.CANCELLED


async def test_a_cancelled_part_ends_the_whole(desk: Desk) -> None:
    await split(desk, 1, 1)
    first, _ = await desk.parts("a")
    await Administration(desk.db, desk.writer, desk.live).cancel([first.item_id])
    await desk.splits.tend()
    assert (await desk.item("a")).error_message == CALLED_OFF


async def test_a_repeated_split_makes_nothing_twice(desk: Desk) -> None:
    session = await split(desk, 1, 1)
    lease = Lease((await desk.item("a")).item_id, 1)
    told(session)
    await desk.split(session, lease, 1, 1)
    assert told(session) == [Accepted(lease)]
    async with desk.db.reading() as tx:
        assert await tx.scalar(select(func.count()).select_from(items)) == 3


async def test_a_lost_lease_splits_nothing(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)
    clock.turn(LEASE.total_seconds() + 1)
    await desk.leases.sweep()
    told(session)
    await desk.split(session, lease, 1, 1)
    assert told(session)[0] == Lost(lease)
    assert await desk.parts("a") == []


@pytest.mark.parametrize("what", ["a part", "what was split before"])
async def test_nothing_is_split_without_end(desk: Desk, what: str) -> None:
    session = await split(desk, 1)
    (part,) = await desk.parts("a")
    lease = part.lease
    if what == "what was split before":
        await finish(desk, session, part)
        lease = (await desk.item("a")).lease
    await desk.split(session, lease, 1, 1)
    await desk.splits.tend()
    whole = await desk.item("a")
    assert (whole.state, whole.error_message) == (
        State.ERROR,
        "A part cannot be split, nor can an item twice.",
    )


async def test_a_large_result_of_a_part_is_refused(desk: Desk) -> None:
    session = await split(desk, 1)
    (part,) = await desk.parts("a")
    await finish(desk, session, part, bytes(MAX_PART_RESULT_BYTES + 1))
    assert (await desk.item("a")).error_message == "The result is too large."


async def test_joining_is_tried_again_with_the_same_parts(desk: Desk, clock: Clock) -> None:
    session = await split(desk, 1)
    (part,) = await desk.parts("a")
    await finish(desk, session, part, b"one")
    for attempt in range(2, 2 + MAX_ATTEMPTS):
        whole = await desk.item("a")
        assert (whole.attempt, whole.shown_state) == (attempt, State.EXECUTING)
        assert whole.percent == pytest.approx(92)
        assert len(await desk.splits.results_of(whole)) == 1
        await desk.leases.fail(session, whole.lease, "storage is away", True)
        clock.turn(100)
        await desk.leases.assign()
    assert (await desk.item("a")).state is State.ERROR


async def test_another_try_by_hand_begins_anew(desk: Desk) -> None:
    administration = Administration(desk.db, desk.writer, desk.live)
    session = await split(desk, 1, 1)
    before = await desk.parts("a")
    await desk.leases.succeed(session, before[0].lease, b"")
    await desk.leases.fail(session, before[1].lease, "broken", False)
    await desk.splits.tend()
    whole = await desk.item("a")
    assert await administration.retry([before[1].item_id]) == [(await desk.parts("a"))[1]]
    [again] = await administration.retry([whole.item_id])
    assert (again.split_percent, again.percent, again.priority) == (None, 0, 0)
    assert await desk.parts("a") == []
    lease = await desk.lease(session)
    assert lease == Lease(whole.item_id, 2)
    await desk.split(session, lease, 1)
    (part,) = await desk.parts("a")
    assert part.item_id not in {each.item_id for each in before}
    await finish(desk, session, part)
    assert (await desk.item("a")).attempt == 3


async def test_a_process_that_ends_leaves_nothing_undone(desk: Desk) -> None:
    session = await split(desk, 1)
    (part,) = await desk.parts("a")
    await desk.leases.succeed(session, part.lease, b"")
    # Another one, without its memory.
    other = Desk(desk.db, desk.clock)
    await other.splits.review()
    assert (await desk.item("a")).state is State.QUEUED
    await desk.leases.assign()
    assert (await desk.item("a")).state is State.EXECUTING


async def test_parts_come_before_what_was_not_begun(desk: Desk) -> None:
    await desk.submit("older", "a", lane=Lane.LONG)
    session = await desk.enter(slots=3)
    await desk.leases.assign()
    older, lease = session.held
    await desk.submit("later 1", "later 2", "later 3", lane=Lane.LONG)
    await desk.split(session, lease, 1, 1)
    assert await states(desk) == [State.EXECUTING, State.QUEUED]
    await desk.leases.succeed(session, older, b"")
    assert await states(desk) == [State.EXECUTING, State.EXECUTING]
    for part in await desk.parts("a"):
        await finish(desk, session, part)
    assert await desk.assigned(session) == ["later 1", "later 2"]
    await finish(desk, session, await desk.item("later 1"))
    assert await desk.assigned(session) == ["later 2", "a"]


async def test_parts_count_as_their_account_s(desk: Desk) -> None:
    session = await split(desk, *[1] * 9, slots=4)
    await desk.submit("other", account="other")
    first, *_ = await desk.parts("a")
    await finish(desk, session, first)
    assert (await desk.item("other")).state is State.EXECUTING


async def test_nobody_waits_for_parts_for_ever(desk: Desk, clock: Clock) -> None:
    session = await split(desk, 1, 1)
    deadlines = Deadlines(desk.db, desk.writer)
    clock.turn((LONGEST_SPLIT + DEADLINE_GRACE).total_seconds() - 1)
    await desk.leases.renew(session, frozenset(session.held))
    await deadlines.sweep()
    assert (await desk.item("a")).state is State.SPLIT
    clock.turn(2)
    await deadlines.sweep()
    assert (await desk.item("a")).error_message == (
        "Its parts took longer than the 7 days that are allowed."
    )
    await desk.splits.tend()
    assert await states(desk) == [State.CANCELLED, State.CANCELLED]


async def test_parts_are_kept_as_long_as_their_whole(desk: Desk, clock: Clock) -> None:
    session = await split(desk, 1, 1)
    first, second = await desk.parts("a")
    await finish(desk, session, first)
    retention = Retention(desk.db, timedelta(seconds=50), clock)
    clock.turn(60)
    await desk.leases.renew(session, frozenset(session.held))
    await retention.sweep()
    assert len(await desk.parts("a")) == 2
    await finish(desk, session, second)
    await desk.leases.succeed(session, (await desk.item("a")).lease, b"")
    clock.turn(60)
    for _ in range(2):
        await retention.sweep()
    async with desk.db.reading() as tx:
        assert await tx.scalar(select(func.count()).select_from(items)) == 0
        assert await tx.scalar(select(func.count()).select_from(parts)) == 0


async def test_a_state_that_was_saved_is_there_for_the_joining(desk: Desk) -> None:
    kept = Checkpoints(desk.db, SEALER)
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)
    kept.note(session, lease, b"cut here")
    await kept.save()
    await desk.split(session, lease, 1)
    (part,) = await desk.parts("a")
    await finish(desk, session, part)
    assert await kept.of(await desk.item("a")) == b"cut here"


async def test_what_is_known_is_kept_until_there_is_more(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)
    desk.leases.progress(session, lease, 0, None, b"a film")
    desk.leases.progress(session, lease, 10, None)
    await desk.leases.save_progress()
    item = await desk.item("a")
    assert (item.state, item.result, item.percent) == (State.EXECUTING, b"a film", 10)
    assert (await desk.events())[-1].item.result == b"a film"
    # What comes right before the end of an attempt is not lost with it.
    desk.leases.progress(session, lease, 20, None, b"a long film")
    await desk.leases.fail(session, lease, "storage is away", True)
    assert (await desk.item("a")).result == b"a long film"
    clock.turn(2)
    lease = await desk.lease(session)
    assert (await desk.item("a")).result == b"a long film"
    desk.leases.progress(session, lease, 20, None, b"a longer film")
    await desk.leases.succeed(session, lease, b"all of it")
    assert (await desk.item("a")).result == b"all of it"


async def test_what_is_known_outlives_a_bad_end(desk: Desk) -> None:
    await desk.submit("a", "b")
    session = await desk.enter(slots=2)
    await desk.leases.assign()
    for lease in list(session.held):
        desk.leases.progress(session, lease, 10, None, b"a film")
    await desk.leases.save_progress()
    await desk.leases.fail(session, next(iter(session.held)), "broken", False)
    await desk.queue.cancel("videos", ["b"])
    assert [(await desk.item(name)).result for name in "ab"] == [b"a film", b"a film"]


async def test_two_processes_that_follow_at_once_join_once(desk: Desk) -> None:
    session = await split(desk, 1, 1)
    other = Desk(desk.db, desk.clock)
    for part in await desk.parts("a"):
        await desk.leases.succeed(session, part.lease, b"")
    await asyncio.gather(desk.splits.tend(), other.splits.review())
    whole = await desk.item("a")
    assert whole.attempt <= 2
    assert whole.shown_state is State.EXECUTING
    assert sum((await desk.counts())["team"]) == 1
