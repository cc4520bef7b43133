"""How many requests an account may make."""

import pytest

from services.chassis import limits
from services.chassis.errors import Exhausted
from services.chassis.limits import RequestRates


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize("per_minute", [1, 3, 7, 60, 1000])
def test_a_minutes_requests_at_once_and_not_one_more(clock: Clock, per_minute: int) -> None:
    rates = RequestRates(clock)
    left = [rates.take("a", per_minute).remaining for _ in range(per_minute)]
    assert left == list(range(per_minute - 1, -1, -1))
    with pytest.raises(Exhausted) as caught:
        rates.take("a", per_minute)
    assert caught.value.retry_after
    assert caught.value.metadata["http-header-ratelimit-remaining"] == "0"


def test_requests_come_back_evenly(clock: Clock) -> None:
    rates = RequestRates(clock)
    for _ in range(6):
        rates.take("a", 6)
    clock.now += 9.9
    with pytest.raises(Exhausted) as caught:
        rates.take("a", 6)
    assert caught.value.retry_after == 1
    clock.now += 0.2
    rate = rates.take("a", 6)
    assert (rate.limit, rate.remaining, rate.reset) == (6, 0, 60)
    clock.now += 60
    assert rates.take("a", 6).remaining == 5


def test_refusals_cost_nothing_and_accounts_are_apart(clock: Clock) -> None:
    rates = RequestRates(clock)
    rates.take("a", 1)
    for _ in range(10):
        with pytest.raises(Exhausted):
            rates.take("a", 1)
    assert rates.take("b", 1).remaining == 0
    clock.now += 60.1
    assert rates.take("a", 1).remaining == 0


def test_idle_accounts_are_forgotten(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED_ACCOUNTS", 3)
    rates = RequestRates(clock)
    for account in "abc":
        rates.take(account, 1)
    rates.take("d", 1)
    with pytest.raises(Exhausted):
        rates.take("a", 1)
    clock.now += 61
    rates.take("e", 1)
    assert len(rates._full_at) == 1
