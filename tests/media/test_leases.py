"""What a worker owes the ledger to say, and when."""

import pytest

from services.media.worker.leases import (
    SECONDS_BETWEEN_PROGRESS,
    SECONDS_TO_FIRST_PROGRESS,
    SECONDS_TO_GATHER,
    Leases,
)
from vitascope.work.v1.work_pb2 import Failure, Lease, Split, Success

LEASE = Lease(item_id="ITEM", attempt=1)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_progress_is_told_ten_times_a_second_and_never_goes_back() -> None:
    clock = Clock()
    leases = Leases(clock)
    leases.add(LEASE, 1000)
    list(leases.due())
    told = []
    for percent in (*range(1000), 500, 1000):
        clock.now += 0.02
        leases.advance(("ITEM", 1), percent / 10)
        told += [each.progress.percent for each in leases.due()]
    clock.now += 0.1
    told += [each.progress.percent for each in leases.due()]
    assert told == sorted(set(told))
    assert told[-1] == 99.9
    assert 160 <= len(told) <= 201  # in 20 seconds


def test_what_is_over_at_once_is_told_of_by_its_end_alone() -> None:
    clock = Clock()
    leases = Leases(clock)
    leases.add(LEASE, 1000)
    list(leases.due())
    clock.now += 0.4
    leases.advance(("ITEM", 1), 10)
    assert list(leases.due()) == []
    leases.finish(("ITEM", 1), Success())
    assert [each.WhichOneof("message") for each in leases.due()] == ["finished"]


def test_what_takes_longer_tells_its_progress_from_then_on() -> None:
    clock = Clock()
    leases = Leases(clock)
    leases.add(LEASE, 1000)
    list(leases.due())
    leases.advance(("ITEM", 1), 10)
    assert leases.seconds_until_due() == pytest.approx(SECONDS_TO_FIRST_PROGRESS)
    clock.now += SECONDS_TO_FIRST_PROGRESS
    assert [each.progress.percent for each in leases.due()] == [10]
    leases.advance(("ITEM", 1), 20)
    assert leases.seconds_until_due() == pytest.approx(SECONDS_BETWEEN_PROGRESS)


def test_the_rest_is_estimated_from_the_pace() -> None:
    clock = Clock()
    leases = Leases(clock)
    leases.add(LEASE, 1000)
    list(leases.due())
    clock.now += 30
    leases.advance(("ITEM", 1), 75)
    [said] = leases.due()
    assert said.progress.eta_seconds == pytest.approx(10)


@pytest.mark.parametrize("outcome", [Success(result=b"x"), Failure(message="x")])
def test_the_end_is_told_once_a_line(outcome: Success | Failure) -> None:
    leases = Leases()
    leases.add(LEASE, 1000)
    leases.advance(("ITEM", 1), 50)
    leases.finish(("ITEM", 1), outcome)
    assert [each.WhichOneof("message") for each in leases.due()] == ["heartbeat", "finished"]
    assert list(leases.due()) == []
    leases.reoffer()
    assert [each.WhichOneof("message") for each in leases.due()] == ["heartbeat", "finished"]
    leases.drop(("ITEM", 1))
    leases.finish(("ITEM", 1), outcome)
    assert leases.empty.is_set()


def test_the_newest_state_is_told_once_a_second() -> None:
    clock = Clock()
    leases = Leases(clock)
    leases.add(LEASE, 1000)
    list(leases.due())
    told = []
    for number in range(20):
        clock.now += 0.25
        leases.save(("ITEM", 1), str(number).encode())
        told += [each.checkpoint.state for each in leases.due()]
    assert told == [b"0", b"4", b"8", b"12", b"16"]
    clock.now += leases.seconds_until_due()
    assert [each.checkpoint.state for each in leases.due()] == [b"19"]
    leases.reoffer()
    assert [each.WhichOneof("message") for each in leases.due()] == ["heartbeat", "checkpoint"]


def test_the_last_state_is_told_before_the_end() -> None:
    leases = Leases(Clock())
    leases.add(LEASE, 1000)
    leases.save(("ITEM", 1), b"0")
    list(leases.due())
    leases.save(("ITEM", 1), b"1")
    leases.finish(("ITEM", 1), Failure(message="x", retryable=True))
    assert [each.WhichOneof("message") for each in leases.due()] == ["checkpoint", "finished"]


def test_the_newest_that_is_known_is_told_with_the_progress() -> None:
    clock = Clock()
    leases = Leases(clock)
    leases.add(LEASE, 1000)
    list(leases.due())
    leases.tell(("ITEM", 1), b"0")
    [first] = leases.due()
    assert first.progress.partial_result == b"0"
    assert not first.progress.HasField("eta_seconds")
    leases.tell(("ITEM", 1), b"1")
    leases.tell(("ITEM", 1), b"2")
    assert list(leases.due()) == []
    clock.now += leases.seconds_until_due()
    assert [each.progress.partial_result for each in leases.due()] == [b"2"]
    leases.advance(("ITEM", 1), 50)
    clock.now += 1
    [third] = leases.due()
    assert (third.progress.percent, third.progress.HasField("partial_result")) == (50, False)
    leases.reoffer()
    clock.now += 1
    said = list(leases.due())
    assert [each.progress.partial_result for each in said[1:]] == [b"2"]


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Success(), ["finished"]),
        (Failure(message="x"), ["progress", "finished"]),
        (Split(), ["progress", "finished"]),
    ],
)
def test_what_is_known_is_told_before_an_end_that_does_not_know_it(
    outcome: Success | Failure | Split, told: list[str]
) -> None:
    leases = Leases(Clock())
    leases.add(LEASE, 1000)
    list(leases.due())
    leases.tell(("ITEM", 1), b"0")
    list(leases.due())
    leases.tell(("ITEM", 1), b"1")
    leases.finish(("ITEM", 1), outcome)
    assert [each.WhichOneof("message") for each in leases.due()] == told
    assert list(leases.due()) == []


def test_waiting_for_a_slot_is_no_part_of_the_pace() -> None:
    clock = Clock()
    leases = Leases(clock)
    leases.add(LEASE, 1000)
    clock.now += 500
    leases.begin(("ITEM", 1))
    list(leases.due())
    clock.now += 30
    leases.advance(("ITEM", 1), 75)
    [said] = leases.due()
    assert said.progress.eta_seconds == pytest.approx(10)


def told(leases: Leases) -> list[str]:
    """The items whose ends are told now."""
    return [each.finished.lease.item_id for each in leases.due() if each.HasField("finished")]


def holding(clock: Clock, *names: str) -> Leases:
    leases = Leases(clock)
    for name in names:
        leases.add(Lease(item_id=name, attempt=1), seconds=30)
    assert told(leases) == []
    return leases


def test_the_end_of_all_that_is_in_hand_is_told_at_once() -> None:
    leases = holding(Clock(), "a")

    leases.finish(("a", 1), Success())

    assert leases.seconds_until_due() == 0
    assert told(leases) == ["a"]


def test_ends_are_told_together_while_more_is_in_hand() -> None:
    clock = Clock()
    leases = holding(clock, "a", "b", "c", "d", "e")

    leases.finish(("a", 1), Success())
    assert told(leases) == []
    clock.now += SECONDS_TO_GATHER / 2
    leases.finish(("b", 1), Success())
    assert told(leases) == []
    clock.now += leases.seconds_until_due()

    assert told(leases) == ["a", "b"]
    assert told(leases) == []


def test_ends_are_told_once_they_are_as_many_as_what_is_in_hand() -> None:
    leases = holding(Clock(), "a", "b", "c", "d", "e")
    leases.changed.clear()

    leases.finish(("a", 1), Success())
    assert leases.changed.is_set()
    leases.changed.clear()
    leases.finish(("b", 1), Success())
    assert not leases.changed.is_set()
    assert told(leases) == []
    leases.finish(("c", 1), Success())

    assert leases.changed.is_set()
    assert told(leases) == ["a", "b", "c"]
    # Another line may not have heard it.
    leases.reoffer()
    assert told(leases) == ["a", "b", "c"]


def test_an_end_does_not_wait_for_long_work_beside_it() -> None:
    leases = holding(Clock(), "long", "short")

    leases.finish(("short", 1), Success())

    assert told(leases) == ["short"]
