"""Slots of a worker are shared fairly between accounts."""

import asyncio
from collections.abc import Sequence

from services.media.worker.turns import Turns


class Works:
    """Items that wait for turns and run until they are told to end."""

    def __init__(self, slots: int) -> None:
        self.started: list[str] = []
        self._turns = Turns(slots)
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def add(self, names: Sequence[str]) -> None:
        """Let items come, in this order; the letter in front is the account."""
        for name in names:
            self._ends[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._run(name))
        await self._settle()

    async def end(self, name: str) -> None:
        """End an item that runs."""
        self._ends[name].set()
        await self._tasks[name]
        await self._settle()

    async def cancel(self, name: str) -> None:
        """Take an item back."""
        self._tasks[name].cancel()
        await asyncio.wait([self._tasks[name]])
        await self._settle()

    async def _run(self, name: str) -> None:
        async with self._turns.turn(name[0]):
            self.started.append(name)
            await self._ends[name].wait()

    async def _settle(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)


async def test_no_more_run_than_there_are_slots() -> None:
    works = Works(2)
    await works.add(["a1", "a2", "a3"])
    assert works.started == ["a1", "a2"]
    await works.end("a2")
    assert works.started == ["a1", "a2", "a3"]


async def test_another_account_waits_for_one_end_only() -> None:
    works = Works(2)
    await works.add(["a1", "a2", "a3", "a4", "a5", "b1"])
    await works.end("a1")
    assert works.started[-1] == "b1"


async def test_accounts_take_turns() -> None:
    works = Works(1)
    await works.add(["a1", "a2", "a3", "b1", "b2"])
    for name in ("a1", "b1", "a2", "b2"):
        assert works.started[-1] == name
        await works.end(name)
    assert works.started[-1] == "a3"


async def test_who_is_taken_back_while_it_waits_holds_nobody_up() -> None:
    works = Works(1)
    await works.add(["a1", "a2", "b1", "b2"])
    await works.cancel("b1")
    await works.end("a1")
    assert works.started[-1] == "b2"


async def test_who_is_taken_back_while_it_runs_leaves_its_slot() -> None:
    works = Works(1)
    await works.add(["a1", "b1"])
    await works.cancel("a1")
    assert works.started == ["a1", "b1"]
