"""What Prometheus is told about the ledger."""

import pytest

from services.chassis.event_metrics import measure_outbox
from services.chassis.telemetry import REGISTRY
from services.tasks.actions.gauging import Gauging
from services.tasks.model import LEASE, Lane
from services.tasks.store.depth import MOST_ACCOUNTS
from tests.tasks.desk import KIND, Clock, Desk


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"vitascope_{name}", labels) or 0.0


async def test_depth_and_age_by_lane_and_account(desk: Desk, clock: Clock) -> None:
    await desk.submit("a", "b", account="one")
    clock.turn(60)
    await desk.submit("c", account="one", lane=Lane.LONG)
    session = await desk.enter()
    await desk.lease(session)
    clock.turn(5)
    await Gauging(desk.db, clock).measure()
    waiting = 3 - len(session.held)
    assert value("work_running", account="one") == len(session.held) >= 1
    assert value("work_queued", lane="long", account="one") == 1
    assert value("work_queued", lane="short", account="one") == waiting - 1
    assert value("work_oldest_queued_seconds", lane="long", account="one") == 5
    oldest = value("work_oldest_queued_seconds", lane="short", account="one")
    assert oldest == (65 if waiting > 1 else 0)


async def test_of_many_accounts_the_largest_are_named(desk: Desk, clock: Clock) -> None:
    for number in range(MOST_ACCOUNTS + 3):
        names = [f"{number}-{n}" for n in range(2 if number else 5)]
        await desk.submit(*names, account=f"account {number}")
    clock.turn(7)
    await Gauging(desk.db, clock).measure()
    samples = [
        sample
        for metric in REGISTRY.collect()
        if metric.name == "vitascope_work_queued"
        for sample in metric.samples
        if sample.labels["lane"] == "short"
    ]
    assert len(samples) == MOST_ACCOUNTS + 1
    assert value("work_queued", lane="short", account="account 0") == 5
    assert value("work_queued", lane="short", account="other") == 6
    assert value("work_oldest_queued_seconds", lane="short", account="other") == 7
    assert sum(sample.value for sample in samples) == 5 + 2 * (MOST_ACCOUNTS + 2)
    # Those of whom nothing is left are not shown any more.
    for number in range(MOST_ACCOUNTS + 3):
        await desk.queue.cancel("videos", [f"{number}-{n}" for n in range(5)])
    await Gauging(desk.db, clock).measure()
    assert (
        REGISTRY.get_sample_value(
            "vitascope_work_queued", {"lane": "short", "account": "account 0"}
        )
        is None
    )


async def test_what_waits_for_its_parts_is_counted_apart(desk: Desk, clock: Clock) -> None:
    await desk.submit("a")
    session = await desk.enter()
    await desk.split(session, await desk.lease(session), 1, 1, 1)
    session.draining = True
    await Gauging(desk.db, clock).measure()
    assert value("work_split") == 1
    queued = value("work_queued", lane="short", account="team")
    assert value("work_running", account="team") + queued == 3
    await desk.queue.cancel("videos", ["a"])
    await Gauging(desk.db, clock).measure()
    assert value("work_split") == 0


async def test_attempts_losses_and_run_times(desk: Desk, clock: Clock) -> None:
    names = {
        "attempts": ("work_attempts_total", {"kind": KIND}),
        "losses": ("work_lease_losses_total", {"kind": KIND}),
        "good": ("work_run_seconds_count", {"kind": KIND, "state": "success"}),
        "seconds": ("work_run_seconds_sum", {"kind": KIND, "state": "success"}),
    }
    before = {key: value(name, **labels) for key, (name, labels) in names.items()}
    await desk.submit("a")
    session = await desk.enter()
    await desk.lease(session)
    clock.turn(LEASE.total_seconds() + 1)
    await desk.leases.sweep()
    clock.turn(2)
    lease = await desk.lease(session)
    clock.turn(4)
    await desk.leases.succeed(session, lease, b"")
    after = {key: value(name, **labels) for key, (name, labels) in names.items()}
    grown = {key: after[key] - before[key] for key in names}
    assert grown == pytest.approx({"attempts": 2, "losses": 1, "good": 1, "seconds": 4})


async def test_events_that_wait_are_measured(desk: Desk) -> None:
    await measure_outbox(desk.db)
    assert (value("outbox_events"), value("outbox_oldest_seconds")) == (0, 0)
    await desk.submit("a", "b")
    await measure_outbox(desk.db)
    assert value("outbox_events") == 2
    assert 0 < value("outbox_oldest_seconds") < 60
