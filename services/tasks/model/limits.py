"""How many tasks an account may create, and how much it may store."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.chassis.errors import Exhausted, Violation
from services.chassis.limits import Limits

MINUTE = timedelta(minutes=1)
# Sums of intervals are off by some microseconds; no task may be lost to that.
_ROUNDING = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Used:
    """What an account has used up: `tasks_back_at` is when all of a minute's tasks are back."""

    tasks_in_flight: int = 0
    tasks_back_at: datetime | None = None


class LimitReached(Exhausted):
    """The request would take the account over a limit."""

    reason = "AccountLimitException"

    def __init__(self, limit: str, sentence: str, retry_after: float | None = None) -> None:
        problem = Violation(limit, sentence, location="account")
        super().__init__(sentence, violations=[problem], retry_after=retry_after)


def check_in_flight(limits: Limits, used: Used, more: int) -> None:
    """Raise LimitReached unless so many more tasks may wait or run."""
    most = limits.tasks_in_flight
    if most and more and used.tasks_in_flight + more > most:
        raise LimitReached(
            "tasks_in_flight",
            f"The account may have {most} tasks that wait or run (tasks_in_flight). It has "
            f"{used.tasks_in_flight}, and the request has {more} more: let some end first.",
        )


def take_of_minute(limits: Limits, used: Used, more: int, now: datetime) -> datetime | None:
    """Return when all of a minute's tasks are back once so many more are created.

    As for requests, an account that was idle for a minute may create the minute's tasks at once,
    and they come back evenly. Returns None without a limit. Raises LimitReached.
    """
    most = limits.tasks_per_minute
    if not most:
        return None
    since = max(used.tasks_back_at or now, now)
    back_at = since + MINUTE * more / most
    over = back_at - now - MINUTE
    if over <= _ROUNDING:
        return back_at
    left = math.floor(most * (1 - (since - now) / MINUTE) + 1e-3)
    seconds = math.ceil(over.total_seconds())
    advice = "make smaller requests" if more > most else f"come back in {seconds} s"
    raise LimitReached(
        "tasks_per_minute",
        f"The account may create {most} tasks a minute (tasks_per_minute). {max(left, 0)} are "
        f"left, and the request has {more}: {advice}.",
        retry_after=None if more > most else seconds,
    )


def check_stored(limits: Limits, stored_bytes: int) -> None:
    """Raise LimitReached when the account's storage is full."""
    if limits.stored_bytes and stored_bytes >= limits.stored_bytes:
        raise LimitReached(
            "stored_bytes",
            f"The account may store {limits.stored_bytes} bytes (stored_bytes) and has "
            f"{stored_bytes}: delete files first.",
        )
