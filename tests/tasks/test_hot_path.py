"""What keeps the ledger quick: work in groups, and no look at what does not wait."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, text

from services.chassis.database import Database, Tx, now
from services.tasks.actions.live import Accepted
from services.tasks.model import Lane, Lease, State
from services.tasks.store import assigning, listing, parts, upkeep
from services.tasks.store import items as store
from tests.tasks.desk import KIND, Desk, told


@contextmanager
def statements(db: Database) -> Iterator[list[tuple[str, Any]]]:
    """Give the statements, with their parameters, that run meanwhile."""
    seen: list[tuple[str, Any]] = []
    engines = {each.sync_engine for each in (db._engine, db._reader)}

    def note(_c: Any, _cursor: Any, statement: str, given: Any, _x: Any, _many: bool) -> None:
        seen.append((statement, given))

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


async def test_what_arrives_together_is_stored_together(desk: Desk, db: Database) -> None:
    await desk.submit(*(f"{n}" for n in range(20)))
    session = await desk.enter(slots=10)
    await desk.leases.assign()
    leases = list(session.held)
    told(session)
    with statements(db) as seen:
        await asyncio.gather(*(desk.leases.succeed(session, lease, b"") for lease in leases))
    assert sum(sql.startswith("UPDATE items") for sql, _ in seen) == 1
    assert sum(sql.startswith("INSERT INTO outbox") for sql, _ in seen) == 1
    assert len(seen) < len(leases)
    assert not any("parts" in sql for sql, _ in seen), "these items have none"
    assert told(session)[: len(leases)] == [Accepted(lease) for lease in leases]
    # The freed slots were filled in the same transaction.
    assert len(session.held) == 10


async def test_one_failing_job_does_not_take_the_others_along(desk: Desk) -> None:
    await desk.submit("a")
    session = await desk.enter()
    lease = await desk.lease(session)

    async def break_down(_: object) -> None:
        raise KeyError

    broken = desk.writer.change((), break_down)
    done = desk.leases.succeed(session, lease, b"")
    outcomes = await asyncio.gather(broken, done, return_exceptions=True)
    assert isinstance(outcomes[0], KeyError)
    assert (await desk.item("a")).ended


async def test_a_single_item_does_not_wait_for_ten_thousand_of_another_account(desk: Desk) -> None:
    for start in range(0, 10_000, 1000):
        await desk.submit(*(f"{n}" for n in range(start, start + 1000)), account="big")
    session = await desk.enter(slots=4)
    await desk.leases.assign()
    (single,) = await desk.submit("single", account="small")
    await desk.leases.succeed(session, next(iter(session.held)), b"")
    assert single.item_id in {lease.item_id for lease in session.held}


async def test_no_statement_of_the_hot_path_reads_all_items(desk: Desk, db: Database) -> None:
    await _fill(desk, db)
    moment = now()
    async with db.transaction() as tx:
        with statements(db) as seen:
            await assigning.anything_due(tx, moment)
            await assigning.waiting_accounts(tx, [KIND], list(Lane), moment, 8)
            await assigning.lock_heads(tx, "team", [KIND], list(Lane), moment, 8)
            await store.any_expired(tx, moment)
            await store.lock_expired(tx, moment, 100)
            await store.executing_for(tx, "w")
            await store.lock_strays(tx, "w", "stream")
            await upkeep.any_overdue(tx, moment)
            await upkeep.lock_overdue(tx, moment, 100)
            await parts.unsettled(tx)
            await parts.tallies(tx, ["A" * 26])
            await parts.open_ids(tx, ["A" * 26])
            await store.ids_over(tx, "stream")
            await store.lock(tx, ["A" * 26, "B" * 26])
            await store.by_requests(tx, "videos", ["1"])
        for statement, given in seen:
            plan = await _plan(tx, db, statement, given)
            bare = "SCAN items" in plan and "SCAN items USING" not in plan
            assert not bare, f"{statement}: {plan}"
            assert "Seq Scan on items" not in plan, plan


async def test_lists_are_read_from_their_end(desk: Desk, db: Database) -> None:
    # SQLite, once it has counted, takes all accounts to be as large as the mean of them; the ledger
    # never has it count.
    if not db.is_sqlite:
        await _fill(desk, db)
    pages: list[dict[str, Any]] = [
        {"state": None, "account_id": ""},
        {"state": None, "account_id": "another"},
        {"state": State.ERROR, "account_id": ""},
    ]
    async with db.transaction() as tx:
        with statements(db) as seen:
            for page in pages:
                await listing.newest(tx, **page, kind="", before=None, limit=50)
        plans = [await _plan(tx, db, *each) for each in seen]
    assert "items_by_account" in plans[1]
    assert "items_ended" in plans[2]
    assert "Sort" not in "".join(plans)
    assert "TEMP B-TREE" not in "".join(plans)


async def test_what_runs_next_is_not_sorted_first(desk: Desk, db: Database) -> None:
    await _fill(desk, db)
    async with db.transaction() as tx:
        with statements(db) as seen:
            await assigning.waiting_accounts(tx, [KIND], list(Lane), now(), 8)
            await assigning.lock_heads(tx, "team", [KIND], list(Lane), now(), 8)
        plans = [await _plan(tx, db, *each) for each in seen]
    if db.is_sqlite:
        assert "items_fitting (account_id=? AND kind=? AND lane=? AND run_at<?)" in plans[0]
        assert "items_queued (account_id=?)" in plans[1]
        assert "TEMP B-TREE" not in plans[1]
    else:
        assert "items_queued" in plans[1]
        assert "Sort" not in plans[1]


async def _plan(tx: Tx, db: Database, statement: str, given: Any) -> str:
    prefix = "EXPLAIN QUERY PLAN " if db.is_sqlite else "EXPLAIN "
    rows = await tx.exec_driver_sql(prefix + statement, given)
    return "\n".join(str(row[-1]) for row in rows)


async def _fill(desk: Desk, db: Database) -> None:
    """Have many items that ended and a few that wait."""
    session = await desk.enter(slots=500)
    await desk.submit(*(f"old {n}" for n in range(1000)))
    while session.held or await desk.assigned(session):
        held = list(session.held)
        await asyncio.gather(*(desk.leases.succeed(session, lease, b"") for lease in held))
    session.draining = True
    await desk.submit(*(f"{n}" for n in range(20)))
    async with db.transaction() as tx:
        await tx.execute(text("ANALYZE"))


async def test_where_nothing_waits_nobody_looks_for_it(desk: Desk, db: Database) -> None:
    session = await desk.enter()
    await desk.leases.assign()
    # At first it is not known that there is nothing else.
    for name, most in (("a", 2), ("b", 0), ("c", 0)):
        with statements(db) as seen:
            [item] = await desk.submit(name)
            assert list(session.held) == [Lease(item.item_id, 1)]
            await desk.leases.succeed(session, Lease(item.item_id, 1), b"")
        looks = [sql for sql, _ in seen if "FROM accounts" in sql and sql.startswith("SELECT")]
        assert len(looks) == most


async def test_what_another_process_queues_is_found(desk: Desk, db: Database) -> None:
    session = await desk.enter()
    [first] = await desk.submit("a")
    other = Desk(db, desk.clock)
    [second] = await other.submit("b")
    # As its word comes, no slot is free.
    await desk.leases.assign()
    assert list(session.held) == [Lease(first.item_id, 1)]
    await desk.leases.succeed(session, Lease(first.item_id, 1), b"")
    assert Lease(second.item_id, 1) in session.held


async def test_an_item_that_comes_back_is_found(desk: Desk) -> None:
    session = await desk.enter()
    [item] = await desk.submit("a")
    await desk.leases.fail(session, Lease(item.item_id, 1), "again", retryable=True)
    assert not session.held
    desk.clock.turn(5)
    await desk.leases.assign()
    assert list(session.held) == [Lease(item.item_id, 2)]
