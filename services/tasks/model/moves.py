"""Which moves an item can make, and what each move changes."""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from services.chassis.errors import WrongState
from services.tasks.model.records import MOVES, TASKS, Item, State, Submission, new_key

LEASE = timedelta(seconds=30)
"""How long a worker has an item without renewing."""

RECONNECT = timedelta(seconds=5)
"""How long a worker whose stream broke keeps its items: enough to come back, and no long wait for
an item whose worker is dead."""

MAX_ATTEMPTS = 5
MAX_ERROR_LENGTH = 2000
LONGEST_RETRY_AFTER = 3600.0  # seconds; who waits for a result wants to hear of it some day
MAX_RESULT_BYTES = 2**19  # it travels in an event
MAX_PART_RESULT_BYTES = 2**13  # a thousand of them travel together
HIGHEST_UNFINISHED = 99.0
LOST = "The worker that had it was lost."
CALLED_OFF = "A part of it was called off."

JOIN_PART = 0.1
"""Of what was left to do when an item was split, joining its parts is so much."""

LONGEST_SPLIT = timedelta(days=7)
"""How long an item waits for its parts: perhaps nobody is there to do them."""

DEADLINE_GRACE = timedelta(seconds=60)
"""How much longer than a kind's deadline the ledger waits for the worker to end the attempt."""


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
        calls_back=submission.calls_back,
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
        percent=_percent_at_start(item),
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
    most = MAX_PART_RESULT_BYTES if item.whole_id else MAX_RESULT_BYTES
    if len(result) > most:
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


def split(item: Item, now: datetime) -> Item:
    """Return the item as it waits for its parts; a part itself, or a whole that had parts before,
    is an error. What its parts made is joined by attempts that are counted anew."""
    if item.whole_id or item.split_percent is not None:
        reason = "A part cannot be split, nor can an item twice."
        return fail(item, reason, False, now, jitter=0.0)
    return _move(
        item,
        State.SPLIT,
        split_percent=item.percent,
        # Parts, and the joining of them, come before what was not begun yet.
        priority=item.priority - 1,
        reported_attempt=item.attempt,
        earlier_attempts=item.attempt,
        eta_seconds=None,
        lease_until=None,
        deadline_at=now + LONGEST_SPLIT,
        stream_id=None,
    )


def join(item: Item, now: datetime) -> Item:
    """Return a split item, queued for an attempt that joins what its parts made."""
    percent = attained(item, 0.0)
    return _move(
        item, State.QUEUED, percent=percent, eta_seconds=None, deadline_at=None, run_at=now
    )


def fail_by_part(item: Item, part: Item, now: datetime) -> Item:
    """Return a split item after one of its parts ended badly."""
    reason = part.error_message or CALLED_OFF
    return _end(item, State.ERROR, now, error_message=reason, last_failure=reason)


def attained(item: Item, reported: float) -> float:
    """Return the progress of an item with an attempt that reports so much, in percent: after a
    split the attempt is only the last of it."""
    if item.split_percent is None:
        return advance(item.percent, reported)
    rest = JOIN_PART * (100.0 - item.split_percent)
    return advance(item.percent, 100.0 - rest + rest * reported / 100.0)


def lose(item: Item, now: datetime, jitter: float) -> Item:
    """Return the item after its lease ran out."""
    return _retry(item, LOST, now, jitter)


def was_lost(item: Item) -> bool:
    """Whether its newest attempt came to its end because its worker was lost."""
    unreported = item.reported_attempt != item.attempt and item.state is not State.CANCELLED
    return unreported and item.last_failure == LOST


def overrun(item: Item, now: datetime) -> Item:
    """Return the item after its attempt, or its parts, took longer than they may."""
    allowed = (item.deadline_at - item.taken_at) if item.deadline_at and item.taken_at else None
    seconds = f"{allowed.total_seconds():g} seconds that are" if allowed else "time that is"
    reason = f"It took longer than the {seconds} allowed."
    if item.state is State.SPLIT:
        reason = f"Its parts took longer than the {LONGEST_SPLIT.days} days that are allowed."
    return _end(item, State.ERROR, now, error_message=reason, last_failure=reason)


def cancel(item: Item, now: datetime) -> Item:
    """Return the item called off. Raises WrongState when it has ended."""
    return _end(item, State.CANCELLED, now)


def can_requeue(item: Item) -> bool:
    """Whether it ended in a way that another try may mend; refused work never started, and a part
    is tried again with its whole."""
    if item.whole_id:
        return False
    return item.state is State.CANCELLED or (item.state is State.ERROR and item.attempt > 0)


def requeue(item: Item, now: datetime) -> Item:
    """Return an ended item queued again. Attempts go on counting: they fence off older workers.

    What was split begins anew too: what its parts made went with its end. Raises WrongState for
    an item that has not ended or ended well.
    """
    if not can_requeue(item):
        raise WrongState(f"An item that is {item.state} cannot be queued again.")
    return replace(
        item,
        state=State.QUEUED,
        priority=item.priority + (item.split_percent is not None),
        split_percent=None,
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
        percent=_percent_at_start(item),
        eta_seconds=None,
        lease_until=None,
        deadline_at=None,
        stream_id=None,
        last_failure=failure,
        run_at=now + retry_delay(tries, jitter, retry_after),
    )


def _percent_at_start(item: Item) -> float:
    """What an attempt does anew is not done; what the parts did stays done."""
    return 0.0 if item.split_percent is None else item.percent


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
