import asyncio

import pytest

from services.chassis.errors import Unavailable
from services.chassis.rounds import repeat


async def test_an_action_runs_at_once_when_stirred() -> None:
    stirred, ran = asyncio.Event(), asyncio.Semaphore(0)

    async def action() -> None:
        ran.release()

    loop = asyncio.create_task(repeat(action, every=3600, wake=stirred))
    async with asyncio.timeout(60):
        await ran.acquire()
        stirred.set()
        await ran.acquire()
    loop.cancel()


async def test_a_stir_during_the_action_is_not_forgotten() -> None:
    stirred, again = asyncio.Event(), asyncio.Event()

    async def action() -> None:
        if not started:
            started.append(True)
            stirred.set()
        else:
            again.set()

    started: list[bool] = []
    loop = asyncio.create_task(repeat(action, every=3600, wake=stirred))
    async with asyncio.timeout(60):
        await again.wait()
    loop.cancel()


async def test_a_database_that_is_away_is_waited_for() -> None:
    back = asyncio.Event()
    tries = []

    async def action() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise Unavailable("The database cannot be reached.")
        back.set()

    loop = asyncio.create_task(repeat(action, every=0.01))
    async with asyncio.timeout(60):
        await back.wait()
    loop.cancel()


async def test_other_errors_end_the_process() -> None:
    async def action() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await repeat(action, every=0.01)
