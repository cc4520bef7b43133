"""Says something to another service again while that is away for a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.chassis.errors import Unavailable

T = TypeVar("T")

DELAYS = (0.2, 0.5, 1.0, 2.0, 5.0)


async def insisting(call: Callable[[], Awaitable[T]]) -> T:
    """Call until it is not Unavailable, six times at most; the call may be repeated safely.

    Raises what the call raises.
    """
    for delay in DELAYS:
        try:
            return await call()
        except Unavailable:
            await asyncio.sleep(delay)
    return await call()
