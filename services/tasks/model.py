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

TASKS = "tasks"
"""The owner of items that came in by the Tasks API."""

MAX_ATTEMPTS = 5
MAX_ERROR_LENGTH = 2000
MAX_RESULT_BYTES = 2**19  # it travels in an event
HIGHEST_UNFINISHED = 99.0
LOST = "The worker that had it was lost."


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

    @property
    def lease(self) -> Lease:
        """The newest attempt at it."""
        return Lease(self.item_id, self.attempt)

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
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


def start(item: Item, worker_id: str, stream_id: str, now: datetime, lease: timedelta) -> Item:
    """Return the item as a worker takes it: one attempt more, no progress yet."""
    return _move(
        item,
        State.EXECUTING,
        attempt=item.attempt + 1,
        percent=0.0,
        eta_seconds=None,
        started_at=item.started_at or now,
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


def fail(item: Item, message: str, retryable: bool, now: datetime, jitter: float) -> Item:
    """Return the item after a reported failure: queued again when another try can help."""
    reported = replace(item, reported_attempt=item.attempt)
    if retryable:
        return _retry(reported, message, now, jitter)
    return _end(reported, State.ERROR, now, error_message=_readable(message))


def lose(item: Item, now: datetime, jitter: float) -> Item:
    """Return the item after its lease ran out."""
    return _retry(item, LOST, now, jitter)


def cancel(item: Item, now: datetime) -> Item:
    """Return the item called off. Raises WrongState when it has ended."""
    return _end(item, State.CANCELLED, now)


def advance(percent: float, reported: float) -> float:
    """Return the progress after a report: it never falls, and 100 is left to success."""
    if math.isnan(reported):
        return percent
    return max(percent, min(reported, HIGHEST_UNFINISHED))


def retry_delay(attempt: int, jitter: float) -> timedelta:
    """Return the wait after a failed attempt (from 1): 1, 4, 16, 64 s, less up to half of it.

    `jitter` is from 0 to 1 and keeps items that failed together from returning together.
    """
    return timedelta(seconds=4.0 ** (attempt - 1) * (1 - jitter / 2))


def open_lanes(slots: int, held: Collection[Lane]) -> frozenset[Lane]:
    """Return the lanes that a worker has a slot for.

    A worker with several slots keeps the last one for short work, so that short work never waits
    for long work to end.
    """
    if len(held) >= slots:
        return frozenset()
    longs = sum(lane is Lane.LONG for lane in held)
    if slots > 1 and longs >= slots - 1:
        return frozenset({Lane.SHORT})
    return frozenset(Lane)


def _retry(item: Item, message: str, now: datetime, jitter: float) -> Item:
    if item.attempt >= MAX_ATTEMPTS:
        reason = _readable(f"Gave up after {item.attempt} attempts: {message}")
        return _end(item, State.ERROR, now, error_message=reason)
    return _move(
        item,
        State.QUEUED,
        percent=0.0,
        eta_seconds=None,
        lease_until=None,
        stream_id=None,
        run_at=now + retry_delay(item.attempt, jitter),
    )


def _end(item: Item, state: State, now: datetime, **changes: Any) -> Item:
    return _move(
        item,
        state,
        completed_at=now,
        eta_seconds=None,
        lease_until=None,
        stream_id=None,
        **changes,
    )


def _move(item: Item, state: State, **changes: Any) -> Item:
    if state not in MOVES[item.state]:
        raise WrongState(f"An item that is {item.state} cannot become {state}.")
    return replace(item, state=state, **changes)


def _readable(message: str) -> str:
    # PostgreSQL's text has no NUL character.
    return message.replace("\0", "")[:MAX_ERROR_LENGTH]
