"""Waiting for conditions, never for time to pass."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(look: Callable[[], T], *, seconds: float, what: str) -> T:
    """Return the first truthy answer of `look`; fail with `what` after the deadline."""
    deadline = time.monotonic() + seconds
    while not (answer := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s for {what}; last seen: {answer!r}")
        time.sleep(0.05)
    return answer


async def wait_for_async(look: Callable[[], T], *, seconds: float = 20, what: str) -> T:
    """As `wait_for`, without stopping the event loop."""
    deadline = time.monotonic() + seconds
    while not (answer := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s for {what}; last seen: {answer!r}")
        await asyncio.sleep(0.02)
    return answer
