"""Random histories of the ledger: whatever happens, its books agree."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Row, select

from services.chassis.database import Database
from services.tasks.actions.administration import Administration
from services.tasks.actions.live import Accepted, Assigned, Lost, Session
from services.tasks.model import (
    HIGHEST_UNFINISHED,
    LEDGER,
    MAX_AHEAD,
    MAX_ATTEMPTS,
    MOVES,
    Lane,
    Lease,
    State,
)
from services.tasks.store.tables import items, metadata, parts
from tests.tasks.desk import Clock, Desk, told

NAMES = [f"item {n}" for n in range(6)]
WORKERS = ["w1", "w2"]


class Ledger(RuleBasedStateMachine):
    """Owners, workers and time do what they like, in any order."""

    @initialize()
    def open(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.db = Database(f"sqlite:///{Path(self.folder.name)}/test.sqlite", metadata)
        self.desk = Desk(self.db, Clock())
        self.administration = Administration(self.db, self.desk.writer, self.desk.live)
        self.seen: dict[str, tuple[State, int]] = {}
        self.runner.run(self._create())
        self.sessions = {name: self.runner.run(self.desk.enter(name, slots=2)) for name in WORKERS}

    async def _create(self) -> None:
        async with self.db.transaction() as tx:
            await tx.run_sync(metadata.create_all)

    def teardown(self) -> None:
        self.runner.run(self.db.close())
        self.runner.close()
        self.folder.cleanup()

    @rule(
        names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
        account=st.sampled_from(["a", "b"]),
        lane=st.sampled_from(Lane),
    )
    def submit(self, names: list[str], account: str, lane: Lane) -> None:
        self.runner.run(self.desk.submit(*names, account=account, lane=lane))

    @rule(names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=2))
    def cancel(self, names: list[str]) -> None:
        for item in self.runner.run(self.desk.queue.cancel("videos", names)):
            assert item.ended

    @rule()
    def assign(self) -> None:
        self.runner.run(self.desk.leases.assign())

    @rule(seconds=st.sampled_from([1, 6, 31, 100]))
    def wait(self, seconds: int) -> None:
        self.desk.clock.turn(seconds)
        self.runner.run(self.desk.leases.sweep())

    @rule(worker=st.sampled_from(WORKERS), ends=st.sampled_from(["well", "badly", "passing"]))
    def finish(self, worker: str, ends: str) -> None:
        session = self.sessions[worker]
        for lease in list(session.held)[:1]:
            self.runner.run(self._report(session, lease, ends))

    @rule(
        worker=st.sampled_from(WORKERS), weights=st.lists(st.floats(0.1, 9), min_size=1, max_size=3)
    )
    def split(self, worker: str, weights: list[float]) -> None:
        session = self.sessions[worker]
        for lease in list(session.held)[:1]:
            self.runner.run(self.desk.split(session, lease, *weights))

    @rule()
    def tend(self) -> None:
        self.runner.run(self.desk.splits.tend())

    @rule()
    def forget_what_to_tend(self) -> None:
        """As a process does that ends; another one reviews all."""
        self.desk.live.stirred_wholes.clear()
        self.runner.run(self.desk.splits.review())

    @rule(names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=2))
    def retry(self, names: list[str]) -> None:
        found = self.runner.run(self.desk.queue.get("videos", names))
        self.runner.run(self.administration.retry([item.item_id for item in found]))
        for item in found:
            self.seen.pop(item.item_id)

    @rule(worker=st.sampled_from(WORKERS), attempt=st.integers(1, 3), name=st.sampled_from(NAMES))
    def report_anything(self, worker: str, attempt: int, name: str) -> None:
        for each in self.runner.run(self.desk.queue.get("videos", [name])):
            # A report about the one before may have made this one run.
            (item,) = self.runner.run(self.desk.queue.find([each.item_id]))
            lease = Lease(item.item_id, attempt)
            self.runner.run(self._report(self.sessions[worker], lease, "well"))
            standing = item.is_held_by(lease) or item.reported_attempt == attempt
            orders = told(self.sessions[worker])
            answers = [each for each in orders if not isinstance(each, Assigned)]
            assert answers[-1] == (Accepted if standing else Lost)(lease)

    async def _report(self, session: Session, lease: Lease, ends: str) -> None:
        if ends == "well":
            await self.desk.leases.succeed(session, lease, b"result")
        else:
            await self.desk.leases.fail(session, lease, "broken", ends == "passing")

    @rule(worker=st.sampled_from(WORKERS))
    def heartbeat(self, worker: str) -> None:
        session = self.sessions[worker]
        self.runner.run(self._renew(session, frozenset(session.held)))

    async def _renew(self, session: Session, leases: frozenset[Lease]) -> None:
        await self.desk.leases.renew(session, leases)

    @rule(worker=st.sampled_from(WORKERS), percent=st.floats(-10, 200))
    def progress(self, worker: str, percent: float) -> None:
        for lease in self.sessions[worker].held:
            self.desk.leases.progress(self.sessions[worker], lease, percent, None)
        self.runner.run(self.desk.leases.save_progress())

    @rule(worker=st.sampled_from(WORKERS), keeps=st.booleans())
    def reconnect(self, worker: str, keeps: bool) -> None:
        old = self.sessions[worker]
        self.runner.run(self.desk.leases.leave(old))
        new = self.runner.run(self.desk.enter(worker, slots=2))
        self.sessions[worker] = new
        if keeps:
            self.runner.run(self._renew(new, frozenset(old.held)))
        else:
            self.runner.run(self._renew(new, frozenset()))

    @invariant()
    def books_agree(self) -> None:
        rows = self.runner.run(self._rows())
        counted: dict[str, list[int]] = {}
        for row in rows:
            counts = counted.setdefault(row.account_id, [0, 0])
            counts[0] += row.state is State.QUEUED
            counts[1] += row.state is State.EXECUTING
            assert (row.state is State.EXECUTING) == (row.lease_until is not None)
            assert (row.completed_at is not None) == (not MOVES[row.state])
            assert (row.percent == 100) == (row.state is State.SUCCESS)
            assert row.attempt - row.earlier_attempts <= MAX_ATTEMPTS
        actual = self.runner.run(self.desk.counts())
        assert {name: tuple(counts) for name, counts in counted.items()} == actual

    @invariant()
    def what_ended_stays_and_attempts_grow(self) -> None:
        for row in self.runner.run(self._rows()):
            state, attempt = self.seen.get(row.item_id, (State.QUEUED, 0))
            assert row.state is state or MOVES[state]
            assert row.attempt >= attempt
            self.seen[row.item_id] = (row.state, row.attempt)

    @invariant()
    def what_was_split_is_whole(self) -> None:
        rows = {row.item_id: row for row in self.runner.run(self._rows())}
        parts: dict[str, list[Row[Any]]] = {}
        for item_id, whole_id in self.runner.run(self._parts()):
            parts.setdefault(whole_id, []).append(rows[item_id])
        for row in rows.values():
            assert (row.split_percent is not None) == (row.item_id in parts)
            if row.split_percent is None:
                continue
            states = {part.state for part in parts[row.item_id]}
            assert row.owner != LEDGER
            assert {part.account_id for part in parts[row.item_id]} == {row.account_id}
            if row.state in (State.QUEUED, State.EXECUTING, State.SUCCESS):
                assert states == {State.SUCCESS}
            if row.state is State.SPLIT:
                assert row.percent <= HIGHEST_UNFINISHED

    @invariant()
    def nothing_is_left_of_what_ended(self) -> None:
        """Once it was tended, which needs no other word than what is stored."""
        self.runner.run(self.desk.splits.review())
        rows = {row.item_id: row for row in self.runner.run(self._rows())}
        for item_id, whole_id in self.runner.run(self._parts()):
            part, whole = rows[item_id], rows[whole_id]
            if whole.state is not State.SPLIT:
                assert part.completed_at is not None
            else:
                assert part.state not in (State.ERROR, State.CANCELLED)

    @invariant()
    def workers_hold_what_executes(self) -> None:
        executing = {
            Lease(row.item_id, row.attempt)
            for row in self.runner.run(self._rows())
            if row.state is State.EXECUTING
        }
        held = [lease for session in self.sessions.values() for lease in session.held]
        assert len(held) == len(set(held))
        assert set(held) <= executing
        for session in self.sessions.values():
            lanes = list(session.held.values())
            assert len(lanes) <= session.slots + MAX_AHEAD
            assert lanes.count(Lane.LONG) < session.slots

    async def _rows(self) -> Sequence[Row[Any]]:
        async with self.db.reading() as tx:
            return (await tx.execute(select(items))).all()

    async def _parts(self) -> list[tuple[str, str]]:
        async with self.db.reading() as tx:
            rows = await tx.execute(select(parts.c.item_id, parts.c.whole_id))
            return [(row.item_id, row.whole_id) for row in rows]


Ledger.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLedger = Ledger.TestCase
