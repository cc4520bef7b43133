"""A ledger with a past: what an item costs when many others are on record."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, String, cast, func, literal, select, text, true

from bench.ledger.contest import backlog, drain
from bench.ledger.suite import Suite
from bench.processes import cpu_seconds
from services.tasks.model import State
from services.tasks.store.tables import items

SIZES = (1_000, 100_000, 1_000_000)
OTHERS = [f"other-{number}" for number in range(100)]
ONE_QUEUED_IN = 100
UNSERVED = "video.process"
# Scatters ids over the index as random ones would be.
_SCATTER, _RANGE = 2_654_435_761, 2**32


@dataclass(frozen=True)
class Costs:
    """Milliseconds of processor time an item: `submitting` of ledger and database, `working` of
    all."""

    rate: float
    submitting: float
    working: float

    @property
    def together(self) -> float:
        """What an item costs from submission to its end."""
        return self.submitting + self.working


async def costs(suite: Suite, count: int) -> Mapping[int, Costs]:
    """Measure so many items each at several sizes of the ledger, which is new.

    One row in a hundred waits, of a hundred other accounts, for a worker that is not there.
    """
    await backlog(suite, 100)
    found = {}
    for size in SIZES:
        await _grow(suite, size)
        groups = suite.servers().values()
        cpu = -sum(map(cpu_seconds, groups))
        await suite.queue(count)
        cpu += sum(map(cpu_seconds, groups))
        drained = await drain(suite, await suite.left() - count)
        found[size] = Costs(drained.rate, cpu * 1000 / count, sum(drained.cpu.values()))
    return found


async def _grow(suite: Suite, size: int) -> None:
    """Have so many rows: one in a hundred is submitted, the rest are copies of one that ended."""
    async with suite.db.reading() as tx:
        there = await tx.scalar(select(func.count()).select_from(items)) or 0
    waiting = (size - there) // ONE_QUEUED_IN
    await suite.queue(waiting, OTHERS, UNSERVED)
    await _copy(suite, there, size - there - waiting)


async def _copy(suite: Suite, first: int, count: int) -> None:
    numbers = select(literal(first, BigInteger).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < first + count - 1))
    name = cast(numbers.c.n * _SCATTER % _RANGE, String) + "-" + cast(numbers.c.n, String)
    changed = {
        "item_id": name,
        "request_id": name,
        "account_id": literal("other-") + cast(numbers.c.n % len(OTHERS), String),
    }
    columns = [column for column in items.c if column.name != "position"]
    ended = select(items.c.item_id).where(items.c.state == State.SUCCESS).limit(1)
    copies = (
        select(*(changed.get(column.name, column) for column in columns))
        .select_from(items.join(numbers, true()))
        .where(items.c.item_id == ended.scalar_subquery())
    )
    async with suite.db.transaction() as tx:
        await tx.execute(items.insert().from_select(columns, copies))
        if not suite.db.is_sqlite:
            # The server does so by itself, but a minute later.
            await tx.execute(text("ANALYZE items"))
