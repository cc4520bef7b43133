"""What a folder does in threads, when whoever waits for it leaves."""

import asyncio
import threading

import pytest

from services.chassis.storage.folder import uncut


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_work_in_a_thread_ends_before_its_caller(times: int) -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[bool] = []

    def work() -> None:
        begun.set()
        done.append(go_on.wait(60))

    caller = asyncio.create_task(uncut(work))
    await asyncio.to_thread(begun.wait, 60)
    for _ in range(times):
        caller.cancel()
        await asyncio.sleep(0)
        assert not caller.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert done == [True]


async def test_what_work_raises_reaches_its_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        await uncut(divmod, 1, 0)
