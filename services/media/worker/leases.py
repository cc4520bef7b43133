"""What the worker has in hand, and what it owes the ledger to say about it."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vitascope.work.v1.work_pb2 import (
    Checkpoint,
    Drain,
    Failure,
    Finished,
    Heartbeat,
    Lease,
    Progress,
    Split,
    Success,
    WorkRequest,
)

Key = tuple[str, int]
"""An item's id and which attempt at it."""

End = Success | Failure | Split
"""How an attempt ended."""

SECONDS_BETWEEN_PROGRESS = 0.1
# What is over sooner than that is told of by its end alone: each word of progress costs the suite
# about as much as an end.
SECONDS_TO_FIRST_PROGRESS = 0.5
# The ledger writes each to its database.
SECONDS_BETWEEN_CHECKPOINTS = 1.0
# How long an end waits for others while more is in hand than that: they are stored together.
SECONDS_TO_GATHER = 0.02
_BEATS_PER_LEASE = 3
_LONGEST_SILENCE = 60.0
# The rest is for storing and committing what was made.
_MOST_PERCENT = 99.9


def key_of(lease: Lease) -> Key:
    """The lease as a key."""
    return lease.item_id, lease.attempt


@dataclass
class _Held:
    lease: Lease
    since: float
    percent: float = 0.0
    told_percent: float = 0.0
    told_at: float = -math.inf
    partial: bytes | None = None
    told_partial: bytes | None = None
    state: bytes | None = None
    told_state: bytes | None = None
    told_state_at: float = -math.inf
    finished: Finished | None = None
    finished_at: float = math.inf
    told_finished: bool = False


class Leases:
    """The leases that the worker has: running, or finished and not yet accepted.

    `clock` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: dict[Key, _Held] = {}
        # Those of them of which there may be something to say before the end.
        self._vocal: dict[Key, _Held] = {}
        # Those that ended, and those of them whose end is not told, the oldest end first.
        self._ended: dict[Key, _Held] = {}
        self._untold: dict[Key, _Held] = {}
        self._seconds = math.inf
        self._beat_at = -math.inf
        self._draining = self._told_drain = False
        # There is something new to say.
        self.changed = asyncio.Event()
        # There is nothing in hand.
        self.empty = asyncio.Event()
        self.empty.set()

    def __contains__(self, key: Key) -> bool:
        return key in self._held

    def add(self, lease: Lease, seconds: float) -> None:
        """Take on a lease that lasts `seconds` without a heartbeat."""
        now = self._clock()
        self._held[key_of(lease)] = _Held(lease, now)
        self._seconds = seconds
        self._beat_at = min(self._beat_at, now + seconds / _BEATS_PER_LEASE)
        self.empty.clear()
        self.changed.set()

    def drop(self, key: Key) -> None:
        """Forget a lease: it was lost, cancelled, or its end was accepted."""
        for held in (self._held, self._vocal, self._ended, self._untold):
            held.pop(key, None)
        if not self._held:
            self.empty.set()

    def begin(self, key: Key) -> None:
        """Note that an attempt begins only now: from here its pace counts."""
        if held := self._held.get(key):
            held.since = self._clock()

    def save(self, key: Key, state: bytes) -> None:
        """Note how far an attempt got, in its kind's own words; the newest counts."""
        if held := self._held.get(key):
            held.state = state
            self._speak_of(key, held)

    def tell(self, key: Key, partial: bytes) -> None:
        """Note what is known of an attempt's result so far; the newest counts."""
        if held := self._held.get(key):
            held.partial = partial
            self._speak_of(key, held)

    def advance(self, key: Key, percent: float) -> None:
        """Note that an attempt got further; it never goes back."""
        if held := self._held.get(key):
            held.percent = max(held.percent, min(percent, _MOST_PERCENT))
            self._speak_of(key, held)

    def finish(self, key: Key, outcome: End) -> None:
        """Note how an attempt ended."""
        if held := self._held.get(key):
            held.finished = Finished(lease=held.lease)
            held.finished_at = self._clock()
            match outcome:
                case Success():
                    held.finished.success.CopyFrom(outcome)
                case Failure():
                    held.finished.failure.CopyFrom(outcome)
                case Split():
                    held.finished.split.CopyFrom(outcome)
            self._ended[key] = self._untold[key] = held
            # To look at all for every end would take longer than the rest.
            if len(self._untold) == 1 or self._is_half_ended() or key in self._vocal:
                self.changed.set()

    def drain(self) -> None:
        """Note that the worker takes no more."""
        self._draining = True
        self.changed.set()

    def reoffer(self) -> None:
        """Have everything said again: the line was cut, and with it perhaps the last words."""
        self._beat_at = -math.inf
        self._told_drain = False
        self._vocal, self._untold = dict(self._held), dict(self._ended)
        for held in self._held.values():
            held.told_finished = False
            held.told_state, held.told_state_at = None, -math.inf
            held.told_partial = None

    def due(self) -> Iterator[WorkRequest]:
        """What is to be said now; each is taken as said when the next is asked for."""
        now = self._clock()
        if now >= self._beat_at:
            self._beat_at = now + self._seconds / _BEATS_PER_LEASE
            leases = [held.lease for held in self._held.values()]
            yield WorkRequest(heartbeat=Heartbeat(leases=leases))
        if self._draining and not self._told_drain:
            self._told_drain = True
            yield WorkRequest(drain=Drain())
        for key, held in list(self._vocal.items()):
            yield from self._remarks(key, held, now)
        if self._ends_due_at() <= now:
            for key, held in list(self._untold.items()):
                held.told_finished = True
                self._untold.pop(key, None)
                yield WorkRequest(finished=held.finished)

    def seconds_until_due(self) -> float:
        """How long there is nothing to say, unless something changes."""
        times = [
            min(_progress_due_at(held), _checkpoint_due_at(held)) for held in self._vocal.values()
        ]
        times.append(self._ends_due_at())
        return max(min(self._beat_at, *times, self._clock() + _LONGEST_SILENCE) - self._clock(), 0)

    def _speak_of(self, key: Key, held: _Held) -> None:
        self._vocal[key] = held
        self.changed.set()

    def _remarks(self, key: Key, held: _Held, now: float) -> Iterator[WorkRequest]:
        if _checkpoint_due_at(held) <= now:
            held.told_state, held.told_state_at = held.state, now
            yield WorkRequest(checkpoint=Checkpoint(lease=held.lease, state=held.state or b""))
        if _progress_due_at(held) <= now:
            said = _progress(held, now)
            held.told_percent, held.told_at = held.percent, now
            held.told_partial = held.partial
            yield WorkRequest(progress=said)
        if math.isinf(min(_checkpoint_due_at(held), _progress_due_at(held))):
            self._vocal.pop(key, None)

    def _ends_due_at(self) -> float:
        """When to tell of ends: at once, unless many may follow that can be told of together."""
        if not self._untold:
            return math.inf
        oldest = next(iter(self._untold.values())).finished_at
        return oldest + (0.0 if self._is_half_ended() else SECONDS_TO_GATHER)

    def _is_half_ended(self) -> bool:
        return len(self._untold) >= len(self._held) - len(self._ended)


def _progress_due_at(held: _Held) -> float:
    if held.finished:
        # A good end makes both known by itself; for another it is the last chance.
        is_untold = held.partial is not held.told_partial and not held.told_finished
        return -math.inf if is_untold and not held.finished.HasField("success") else math.inf
    if held.percent <= held.told_percent and held.partial is held.told_partial:
        return math.inf
    if held.partial is held.told_partial:
        begun = held.since + SECONDS_TO_FIRST_PROGRESS
        return max(held.told_at + SECONDS_BETWEEN_PROGRESS, begun)
    return held.told_at + SECONDS_BETWEEN_PROGRESS


def _checkpoint_due_at(held: _Held) -> float:
    if held.state is held.told_state:
        return math.inf
    # After a bad end it is the last chance: the next attempt may begin at once.
    return -math.inf if held.finished else held.told_state_at + SECONDS_BETWEEN_CHECKPOINTS


def _progress(held: _Held, now: float) -> Progress:
    told = Progress(lease=held.lease, percent=held.percent)
    if held.percent > 0:
        told.eta_seconds = (now - held.since) * (100 - held.percent) / held.percent
    if held.partial is not None and held.partial is not held.told_partial:
        told.partial_result = held.partial
    return told
