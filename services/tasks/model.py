"""The ledger of work: what an item is, which moves it can make, and what each move changes."""

import base64
import math
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.chassis.errors import WrongState

LEASE = timedelta(seconds=30)
"""How long a worker has an item without renewing."""

RECONNECT = timedelta(seconds=5)
"""How long a worker whose stream broke keeps its items: enough to come back, and no long wait for
an item whose worker is dead."""

AHEAD_TIME = timedelta(milliseconds=100)
"""How long a short item may be with a worker while the worker is given items ahead of time."""

TASKS = "tasks"
"""The owner of items that came in by the Tasks API."""

MAX_AHEAD = 16
MAX_ATTEMPTS = 5
MAX_ERROR_LENGTH = 2000
LONGEST_RETRY_AFTER = 3600.0  # seconds; who waits for a result wants to hear of it some day
MAX_RESULT_BYTES = 2**19  # it travels in an event
MAX_CHECKPOINT_BYTES = 2**19
HIGHEST_UNFINISHED = 99.0
LOST = "The worker that had it was lost."

DEADLINE_GRACE = timedelta(seconds=60)
"""How much longer than a kind's deadline the ledger waits for the worker to end the attempt."""


class State(StrEnum):
    """Where an item is."""

    QUEUED = "queued"
    EXECUTING = "executing"
    SUCCESS = "success"
    ERROR = "error"
    CANCELLED = "cancelled"


MOVES: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.EXECUTING, State.CANCELLED}),
    # Back to the queue: the lease ran out, or the attempt failed in a way that may pass.
    State.EXECUTING: frozenset({State.QUEUED, State.SUCCESS, State.ERROR, State.CANCELLED}),
    State.SUCCESS: frozenset(),
    # An operator may queue these again, which is no move of theirs: see `requeue`.
    State.ERROR: frozenset(),
    State.CANCELLED: frozenset(),
}


class Lane(StrEnum):
    """Short kinds take seconds, long ones minutes to days."""

    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True)
class Submission:
    """Work that somebody wants done. `spec` and `destination` are carried unread.

    `refusal` is why it cannot be done at all: such work is recorded as ended.
    """

    owner: str
    account_id: str
    request_id: str
    kind: str
    spec: bytes = b""
    destination: bytes = b""
    priority: int = 0
    lane: Lane = Lane.SHORT
    refusal: str = ""


@dataclass(frozen=True)
class Lease:
    """One attempt at an item; the attempt is the fencing token."""

    item_id: str
    attempt: int


@dataclass(frozen=True)
class Item:
    """A piece of work as the ledger has it.

    `run_at` is the moment before which it is not started; `reported_attempt` the last attempt
    whose end a worker reported; `stream_id` the worker's stream over which the lease is held.
    `taken_at` is when the newest attempt began, `deadline_at` when it is to be over,
    `last_failure` why the last attempt that failed did, `checkpoint_bytes` the size of the state
    that an attempt saved. `requeued` is how often it was queued again after an end, and
    `earlier_attempts` how many of its attempts were made before the last time.
    """

    item_id: str
    owner: str
    account_id: str
    request_id: str
    kind: str
    spec: bytes
    destination: bytes
    priority: int
    lane: Lane
    state: State
    queued_at: datetime
    run_at: datetime
    attempt: int = 0
    percent: float = 0.0
    eta_seconds: float | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    lease_until: datetime | None = None
    worker_id: str | None = None
    stream_id: str | None = None
    reported_attempt: int = 0
    result: bytes = b""
    error_message: str = ""
    taken_at: datetime | None = None
    deadline_at: datetime | None = None
    last_failure: str = ""
    checkpoint_bytes: int = 0
    requeued: int = 0
    earlier_attempts: int = 0

    @property
    def lease(self) -> Lease:
        """The newest attempt at it."""
        return Lease(self.item_id, self.attempt)

    @property
    def ended(self) -> bool:
        """Whether it will not change any more by itself."""
        return not MOVES[self.state]

    def is_held_by(self, lease: Lease) -> bool:
        """Whether this attempt is the one that runs."""
        return self.state is State.EXECUTING and self.lease == lease


@dataclass(frozen=True)
class TaskRecord:
    """What the Tasks API keeps about an item beside the ledger.

    `definition` is what the client sent, credentials masked: task_name, parameters, task_store,
    task_metas. `problems` maps parameters to what is wrong with them; such a task never runs.
    """

    key: str
    definition: Mapping[str, Any]
    problems: Mapping[str, list[str]] | None = None
    url_callback: str | None = None
    url_errback: str | None = None


def new_key() -> str:
    """Return a fresh item id: 26 upper-case base32 characters of 16 random bytes."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=")


def queue(submission: Submission, now: datetime) -> Item:
    """Return a new item. Refused work is an item that ended in an error before it started."""
    refused = bool(submission.refusal)
    return Item(
        # A task's key is its request id: its client knows it by no other name.
        item_id=submission.request_id if submission.owner == TASKS else new_key(),
        owner=submission.owner,
        account_id=submission.account_id,
        request_id=submission.request_id,
        kind=submission.kind,
        spec=submission.spec,
        destination=submission.destination,
        priority=submission.priority,
        lane=submission.lane,
        state=State.ERROR if refused else State.QUEUED,
        queued_at=now,
        run_at=now,
        completed_at=now if refused else None,
        error_message=_readable(submission.refusal),
    )


def start(
    item: Item,
    worker_id: str,
    stream_id: str,
    now: datetime,
    lease: timedelta,
    deadline: timedelta | None = None,
) -> Item:
    """Return the item as a worker takes it: one attempt more, no progress yet.

    `deadline` is how long the attempt may take; None for as long as it takes.
    """
    return _move(
        item,
        State.EXECUTING,
        attempt=item.attempt + 1,
        percent=0.0,
        eta_seconds=None,
        started_at=item.started_at or now,
        taken_at=now,
        deadline_at=now + deadline if deadline else None,
        lease_until=now + lease,
        worker_id=worker_id,
        stream_id=stream_id,
    )


def succeed(item: Item, result: bytes, now: datetime) -> Item:
    """Return the item with its result; a huge one is an error."""
    if len(result) > MAX_RESULT_BYTES:
        return fail(item, "The result is too large.", False, now, jitter=0.0)
    return _end(
        item, State.SUCCESS, now, percent=100.0, result=result, reported_attempt=item.attempt
    )


def fail(
    item: Item,
    message: str,
    retryable: bool,
    now: datetime,
    jitter: float,
    retry_after: float = 0.0,
) -> Item:
    """Return the item after a reported failure: queued again when another try can help.

    `retry_after` is how many seconds a source's server asks to be left alone.
    """
    reported = replace(item, reported_attempt=item.attempt)
    if retryable:
        return _retry(reported, message, now, jitter, retry_after)
    reason = _readable(message)
    return _end(reported, State.ERROR, now, error_message=reason, last_failure=reason)


def lose(item: Item, now: datetime, jitter: float) -> Item:
    """Return the item after its lease ran out."""
    return _retry(item, LOST, now, jitter)


def was_lost(item: Item) -> bool:
    """Whether its newest attempt came to its end because its worker was lost."""
    unreported = item.reported_attempt != item.attempt and item.state is not State.CANCELLED
    return unreported and item.last_failure == LOST


def overrun(item: Item, now: datetime) -> Item:
    """Return the item after its attempt took longer than its kind may."""
    allowed = (item.deadline_at - item.taken_at) if item.deadline_at and item.taken_at else None
    seconds = f"{allowed.total_seconds():g} seconds that are" if allowed else "time that is"
    reason = f"It took longer than the {seconds} allowed."
    return _end(item, State.ERROR, now, error_message=reason, last_failure=reason)


def cancel(item: Item, now: datetime) -> Item:
    """Return the item called off. Raises WrongState when it has ended."""
    return _end(item, State.CANCELLED, now)


def can_requeue(item: Item) -> bool:
    """Whether it ended in a way that another try may mend; refused work never started."""
    return item.state is State.CANCELLED or (item.state is State.ERROR and item.attempt > 0)


def requeue(item: Item, now: datetime) -> Item:
    """Return an ended item queued again. Attempts go on counting: they fence off older workers.

    Raises WrongState for an item that has not ended or ended well.
    """
    if not can_requeue(item):
        raise WrongState(f"An item that is {item.state} cannot be queued again.")
    return replace(
        item,
        state=State.QUEUED,
        run_at=now,
        completed_at=None,
        error_message="",
        percent=0.0,
        requeued=item.requeued + 1,
        earlier_attempts=item.attempt,
    )


def advance(percent: float, reported: float) -> float:
    """Return the progress after a report: it never falls, and 100 is left to success."""
    if math.isnan(reported):
        return percent
    return max(percent, min(reported, HIGHEST_UNFINISHED))


def retry_delay(attempt: int, jitter: float, retry_after: float = 0.0) -> timedelta:
    """Return the wait after a failed attempt (from 1): 1, 4, 16, 64 s, less up to half of it.

    `jitter` is from 0 to 1 and keeps items that failed together from returning together.
    `retry_after`, in seconds, is the least where it is longer, an hour at most.
    """
    usual = 4.0 ** (attempt - 1) * (1 - jitter / 2)
    asked = min(retry_after, LONGEST_RETRY_AFTER) + jitter if retry_after > 0 else 0.0
    return timedelta(seconds=max(usual, asked))


def was_stopped(before: Item, after: Item) -> bool:
    """Whether an attempt was ended by somebody other than the worker that had it."""
    runs = before.state is State.EXECUTING
    return runs and after.state is not State.EXECUTING and after.reported_attempt != before.attempt


def open_lanes(slots: int, held: Collection[Lane], ahead: int = 0) -> frozenset[Lane]:
    """Return the lanes in which a worker takes another item.

    A worker with several slots keeps the last one for short work, so that short work never waits
    for long work to end. `ahead` is how many short items it takes beyond its slots, unless long
    work has them all.
    """
    longs = sum(lane is Lane.LONG for lane in held)
    has_slot = len(held) < slots
    lanes = set()
    if has_slot and longs < max(slots - 1, 1):
        lanes.add(Lane.LONG)
    if has_slot or (longs < slots and len(held) < slots + ahead):
        lanes.add(Lane.SHORT)
    return frozenset(lanes)


def more_ahead(ahead: int, took: timedelta) -> int:
    """Return how many short items a worker takes beyond its slots, after one took so long.

    That long it was the worker's, waiting for a slot included. While this is short, more make no
    difference to anybody but keep the worker from idling between two items.
    """
    if took > AHEAD_TIME:
        return ahead // 2
    return min(ahead + 1, MAX_AHEAD)


def _retry(
    item: Item, message: str, now: datetime, jitter: float, retry_after: float = 0.0
) -> Item:
    failure = _readable(message)
    tries = item.attempt - item.earlier_attempts
    if tries >= MAX_ATTEMPTS:
        reason = _readable(f"Gave up after {tries} attempts: {message}")
        return _end(item, State.ERROR, now, error_message=reason, last_failure=failure)
    return _move(
        item,
        State.QUEUED,
        percent=0.0,
        eta_seconds=None,
        lease_until=None,
        deadline_at=None,
        stream_id=None,
        last_failure=failure,
        run_at=now + retry_delay(tries, jitter, retry_after),
    )


def _end(item: Item, state: State, now: datetime, **changes: Any) -> Item:
    return _move(
        item,
        state,
        completed_at=now,
        eta_seconds=None,
        lease_until=None,
        deadline_at=None,
        stream_id=None,
        checkpoint_bytes=0,
        **changes,
    )


def _move(item: Item, state: State, **changes: Any) -> Item:
    if state not in MOVES[item.state]:
        raise WrongState(f"An item that is {item.state} cannot become {state}.")
    return replace(item, state=state, **changes)


def _readable(message: str) -> str:
    # PostgreSQL's text has no NUL character.
    return message.replace("\0", "")[:MAX_ERROR_LENGTH]
