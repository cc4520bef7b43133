from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.chassis.errors import WrongState
from services.tasks import model
from services.tasks.model import Item, Lane, State, Submission

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = timedelta(seconds=30)


def _queued() -> Item:
    return model.queue(Submission("videos", "team", "name", "kind"), NOW)


def _executing(attempts: int = 1) -> Item:
    item = _queued()
    for _ in range(attempts):
        requeued = replace(item, state=State.QUEUED)
        item = model.start(requeued, "worker", "stream", NOW, LEASE)
    return item


def test_a_key_is_26_characters_of_upper_case_base32() -> None:
    keys = {model.new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(
        len(key) == 26 and set(key) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for key in keys
    )


def test_the_attempt_is_counted_at_the_start() -> None:
    item = _executing(2)
    assert (item.attempt, item.lease.attempt, item.lease_until) == (2, 2, NOW + LEASE)


def test_success_is_100_percent() -> None:
    done = model.succeed(_executing(), b"result", NOW)
    assert (done.state, done.percent, done.result, done.ended) == (
        State.SUCCESS,
        100,
        b"result",
        True,
    )
    assert done.lease_until is None


def test_a_huge_result_is_an_error() -> None:
    done = model.succeed(_executing(), b"x" * (model.MAX_RESULT_BYTES + 1), NOW)
    assert (done.state, done.error_message) == (State.ERROR, "The result is too large.")


@pytest.mark.parametrize("end", [State.SUCCESS, State.ERROR, State.CANCELLED])
def test_what_ended_stays(end: State) -> None:
    ended = replace(_executing(), state=end)
    moves: list[Callable[[], Item]] = [
        lambda: model.start(ended, "worker", "stream", NOW, LEASE),
        lambda: model.succeed(ended, b"", NOW),
        lambda: model.fail(ended, "", True, NOW, 0),
        lambda: model.lose(ended, NOW, 0),
        lambda: model.cancel(ended, NOW),
    ]
    for move in moves:
        with pytest.raises(WrongState):
            move()


def test_only_what_executes_can_end_or_be_lost() -> None:
    with pytest.raises(WrongState):
        model.succeed(_queued(), b"", NOW)
    with pytest.raises(WrongState):
        model.lose(_queued(), NOW, 0)


def test_a_failure_that_may_pass_is_tried_again_later() -> None:
    again = model.fail(_executing(2), "storage is away", True, NOW, 0)
    assert (again.state, again.run_at) == (State.QUEUED, NOW + timedelta(seconds=4))
    assert (again.percent, again.lease_until, again.reported_attempt) == (0, None, 2)


def test_a_failure_that_stays_ends_at_once() -> None:
    ended = model.fail(_executing(), "no image", False, NOW, 0)
    assert (ended.state, ended.error_message) == (State.ERROR, "no image")


def test_after_the_last_attempt_the_reason_is_kept() -> None:
    ended = model.fail(_executing(model.MAX_ATTEMPTS), "storage is away", True, NOW, 0)
    assert ended.state is State.ERROR
    assert ended.error_message == "Gave up after 5 attempts: storage is away"


def test_a_lost_lease_counts_as_an_attempt() -> None:
    assert model.lose(_executing(4), NOW, 0).state is State.QUEUED
    ended = model.lose(_executing(5), NOW, 0)
    assert "lost" in ended.error_message


def test_waits_grow_and_spread() -> None:
    assert [model.retry_delay(n, 0).total_seconds() for n in (1, 2, 3, 4)] == [1, 4, 16, 64]
    assert model.retry_delay(3, 1).total_seconds() == 8


def test_who_asks_to_be_left_alone_is_for_up_to_an_hour() -> None:
    asked = [model.retry_delay(1, 0.5, seconds).total_seconds() for seconds in (0, 20, 86_400, -5)]
    assert asked == [0.75, 20.5, 3600.5, 0.75]
    again = model.fail(_executing(), "The server is busy.", True, NOW, 0, retry_after=30)
    assert again.run_at == NOW + timedelta(seconds=30)


def test_an_error_message_can_be_stored_anywhere() -> None:
    ended = model.fail(_executing(), "no\0 image" + "!" * 9999, False, NOW, 0)
    assert ended.error_message.startswith("no image!")
    assert len(ended.error_message) == model.MAX_ERROR_LENGTH


@pytest.mark.parametrize(
    ("before", "reported", "after"),
    [(0, 10, 10), (50, 10, 50), (50, 100, 99), (50, 1e9, 99), (5, -3, 5), (5, float("nan"), 5)],
)
def test_progress_never_falls_nor_ends(before: float, reported: float, after: float) -> None:
    assert model.advance(before, reported) == after


@pytest.mark.parametrize(
    ("slots", "held", "lanes"),
    [
        (1, [], {Lane.SHORT, Lane.LONG}),
        (1, [Lane.SHORT], set()),
        (2, [], {Lane.SHORT, Lane.LONG}),
        (2, [Lane.LONG], {Lane.SHORT}),
        (2, [Lane.SHORT], {Lane.SHORT, Lane.LONG}),
        (3, [Lane.LONG, Lane.SHORT], {Lane.SHORT, Lane.LONG}),
        (3, [Lane.LONG, Lane.LONG], {Lane.SHORT}),
        (3, [Lane.LONG, Lane.LONG, Lane.SHORT], set()),
    ],
)
def test_one_slot_of_several_is_kept_for_short_work(
    slots: int, held: list[Lane], lanes: set[Lane]
) -> None:
    assert model.open_lanes(slots, held) == lanes


@pytest.mark.parametrize("end", [State.ERROR, State.CANCELLED])
def test_an_operator_may_have_an_end_undone(end: State) -> None:
    ended = replace(_executing(5), state=end, completed_at=NOW, error_message="Gave up", percent=40)
    again = model.requeue(ended, NOW)
    assert (again.state, again.attempt, again.requeued) == (State.QUEUED, 5, 1)
    assert (again.completed_at, again.error_message, again.percent) == (None, "", 0)
    # The attempts go on counting, the tries begin anew.
    item = again
    for attempt in range(6, 11):
        item = model.start(replace(item, state=State.QUEUED), "worker", "stream", NOW, LEASE)
        assert item.attempt == attempt
        item = model.lose(item, NOW, 0)
    assert item.error_message == "Gave up after 5 attempts: The worker that had it was lost."


def test_the_wait_of_another_try_begins_anew() -> None:
    again = model.requeue(replace(_executing(5), state=State.ERROR), NOW)
    failed = model.fail(
        model.start(again, "worker", "stream", NOW, LEASE), "storage is away", True, NOW, 0
    )
    assert failed.run_at == NOW + timedelta(seconds=1)


def test_good_ends_and_refusals_stay() -> None:
    refused = model.queue(Submission("videos", "team", "name", "kind", refusal="no url"), NOW)
    for item in (replace(_executing(), state=State.SUCCESS), refused, _queued(), _executing()):
        assert not model.can_requeue(item)
        with pytest.raises(WrongState):
            model.requeue(item, NOW)


def test_an_attempt_has_a_deadline_until_it_is_over() -> None:
    item = model.start(_queued(), "worker", "stream", NOW, LEASE, timedelta(seconds=90))
    assert item.deadline_at == NOW + timedelta(seconds=90)
    assert model.lose(item, NOW, 0).deadline_at is None
    ended = model.overrun(item, NOW)
    assert ended.error_message == "It took longer than the 90 seconds that are allowed."
    assert (ended.deadline_at, ended.last_failure) == (None, ended.error_message)
