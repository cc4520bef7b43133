"""What the ledger keeps: items, where they can be, and what clients ask for."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

TASKS = "tasks"
"""The owner of items that came in by the Tasks API."""

LEDGER = "ledger"
"""The owner of items that are parts of others. Their request ids begin with the whole's id."""


class State(StrEnum):
    """Where an item is."""

    QUEUED = "queued"
    EXECUTING = "executing"
    # Its parts are done, each an item of its own. Outside the ledger it executes.
    SPLIT = "split"
    SUCCESS = "success"
    ERROR = "error"
    CANCELLED = "cancelled"


MOVES: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.EXECUTING, State.CANCELLED}),
    # Back to the queue: the lease ran out, or the attempt failed in a way that may pass.
    State.EXECUTING: frozenset(
        {State.QUEUED, State.SPLIT, State.SUCCESS, State.ERROR, State.CANCELLED}
    ),
    # Back to the queue: what its parts made is to be joined.
    State.SPLIT: frozenset({State.QUEUED, State.ERROR, State.CANCELLED}),
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

    `refusal` is why it cannot be done at all: such work is recorded as ended. `calls_back` says
    that a client may have to be called when it ends. With `confidential`, `spec` and `destination`
    hold credentials, and are kept encrypted.
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
    calls_back: bool = False
    confidential: bool = False


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
    `earlier_attempts` how many of its attempts were made before the last time. `split_percent` is
    how far it was when it was split into parts; None when it was not. `calls_back` says that a
    client may have to be called when it ends.
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
    split_percent: float | None = None
    calls_back: bool = False

    @property
    def whole_id(self) -> str | None:
        """The id of the item of which it is a part; None when it is none."""
        return self.request_id.partition("/")[0] if self.owner == LEDGER else None

    @property
    def shown_state(self) -> State:
        """Where it is for those outside: that its parts were done and it waits for a worker to
        join them, they need not know."""
        waits = self.state is State.QUEUED and self.split_percent is not None
        return State.EXECUTING if waits or self.state is State.SPLIT else self.state

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
    `version` is that of the Tasks API by which it was created.
    """

    key: str
    definition: Mapping[str, Any]
    problems: Mapping[str, list[str]] | None = None
    url_callback: str | None = None
    url_errback: str | None = None
    version: int = 2


def new_key() -> str:
    """Return a fresh item id: 26 upper-case base32 characters of 16 random bytes."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=")
