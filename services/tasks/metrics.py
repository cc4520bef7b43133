"""What Prometheus is told about work."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram

from services.chassis.telemetry import REGISTRY
from services.tasks.model import Item, Lane, State, was_lost
from services.tasks.store.callbacks import MOST_COUNTED, Backlog
from services.tasks.store.depth import Depth

QUEUED = Gauge(
    "vitascope_work_queued",
    "Items that wait, by lane and account; the accounts with few of them together as `other`.",
    ("lane", "account"),
    registry=REGISTRY,
)
OLDEST_SECONDS = Gauge(
    "vitascope_work_oldest_queued_seconds",
    "How long the oldest of the items that an account is served next has waited, by lane.",
    ("lane", "account"),
    registry=REGISTRY,
)
RUNNING = Gauge(
    "vitascope_work_running",
    "Items that workers have, by account; the accounts with few items together as `other`.",
    ("account",),
    registry=REGISTRY,
)
SPLIT = Gauge("vitascope_work_split", "Items that wait for the parts of theirs.", registry=REGISTRY)
ATTEMPTS = Counter(
    "vitascope_work_attempts", "Attempts that this process began.", ("kind",), registry=REGISTRY
)
LEASE_LOSSES = Counter(
    "vitascope_work_lease_losses",
    "Attempts whose worker was lost.",
    ("kind",),
    registry=REGISTRY,
)
RUN_SECONDS = Histogram(
    "vitascope_work_run_seconds",
    "How long attempts took, by kind and by the state in which they left their item.",
    ("kind", "state"),
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400),
    registry=REGISTRY,
)


class Call(StrEnum):
    """How a call to a client went."""

    DELIVERED = "delivered"
    # Its server answered with another status than 2xx.
    REFUSED = "refused"
    # Its server gave no answer, or its address is none to connect to.
    UNREACHED = "unreached"
    # Something here was away.
    UNSENT = "unsent"


CALLS = Counter(
    "vitascope_callback_calls",
    "Calls to clients whose tasks ended that this process made, each try, by how they went.",
    ("outcome",),
    registry=REGISTRY,
)
GIVEN_UP = Counter(
    "vitascope_callbacks_given_up", "Callbacks that this process gave up.", registry=REGISTRY
)
WAITING_CALLBACKS = Gauge(
    "vitascope_callbacks_waiting",
    f"Callbacks that are to be delivered still, counted up to {MOST_COUNTED}.",
    registry=REGISTRY,
)
OLDEST_CALLBACK_SECONDS = Gauge(
    "vitascope_callbacks_oldest_seconds",
    "How long ago the task ended whose callback has waited longest.",
    registry=REGISTRY,
)


def count(moved: Sequence[tuple[Item, Item]], now: datetime) -> None:
    """Count changes (before, after) of a moment, once they are committed."""
    for before, after in moved:
        if after.attempt > before.attempt:
            ATTEMPTS.labels(after.kind).inc()
        elif before.state is State.EXECUTING and after.state is not State.EXECUTING:
            if was_lost(after):
                LEASE_LOSSES.labels(after.kind).inc()
            seconds = (now - (before.taken_at or now)).total_seconds()
            RUN_SECONDS.labels(after.kind, after.state).observe(max(seconds, 0.0))


def show(depths: Sequence[Depth], split: int) -> None:
    """Show how much waits and runs, and how many items wait for their parts, in place of what
    was shown before."""
    SPLIT.set(split)
    for gauge in (QUEUED, OLDEST_SECONDS, RUNNING):
        gauge.clear()
    for depth in depths:
        RUNNING.labels(depth.account_id).set(depth.running)
        for lane in Lane:
            QUEUED.labels(lane, depth.account_id).set(depth.queued[lane])
            OLDEST_SECONDS.labels(lane, depth.account_id).set(depth.oldest_seconds[lane])


def show_callbacks(backlog: Backlog, now: datetime) -> None:
    """Show how many callbacks wait, and how long."""
    WAITING_CALLBACKS.set(backlog.count)
    age = (now - backlog.oldest).total_seconds() if backlog.oldest else 0.0
    OLDEST_CALLBACK_SECONDS.set(max(age, 0.0))
