"""Waiting for conditions, never for time to pass."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

LONGEST_LOOK_SECONDS = 2.0
"""What one look may cost of the patience: the machine may have stood still meanwhile."""


def wait_for(look: Callable[[], T], *, seconds: float, what: str) -> T:
    """Return the first truthy answer of `look`; fail with `what` after the deadline."""
    patience = _Patience(seconds, what)
    while not (answer := look()):
        patience.spend(answer)
        time.sleep(0.05)
    return answer


async def wait_for_async(look: Callable[[], T], *, seconds: float = 20, what: str) -> T:
    """As `wait_for`, without stopping the event loop."""
    patience = _Patience(seconds, what)
    while not (answer := look()):
        patience.spend(answer)
        await asyncio.sleep(0.02)
    return answer


async def wait_for_awaited(
    look: Callable[[], Awaitable[T]], *, seconds: float = 20, what: str
) -> T:
    """As `wait_for_async`, of a `look` that has to be awaited."""
    patience = _Patience(seconds, what)
    while not (answer := await look()):
        patience.spend(answer)
        await asyncio.sleep(0.05)
    return answer


class _Patience:
    """How long somebody goes on looking."""

    def __init__(self, seconds: float, what: str) -> None:
        self._seconds = self._left = seconds
        self._what = what
        self._looked_at = time.monotonic()

    def spend(self, seen: object) -> None:
        """Take the time since the last look from what is left; fail when that is nothing."""
        now = time.monotonic()
        self._left -= min(now - self._looked_at, LONGEST_LOOK_SECONDS)
        self._looked_at = now
        if self._left < 0:
            raise AssertionError(
                f"waited {self._seconds:.0f} s for {self._what}; last seen: {seen!r}"
            )
