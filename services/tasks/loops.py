"""Actions that run again and again as long as the service does."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from services.chassis.errors import Unavailable

log = structlog.stdlib.get_logger(__name__)


async def repeat(
    action: Callable[[], Awaitable[None]],
    every: float,
    *,
    stirred: asyncio.Event | None = None,
    delay: float = 0.0,
) -> None:
    """Run an action every so many seconds for ever, at once when stirred, first after a delay.

    A database that is away is waited for.
    """
    await asyncio.sleep(delay)
    wake = stirred or asyncio.Event()
    while True:
        wake.clear()
        try:
            await action()
        except Unavailable as error:
            log.warning("ledger waits", action=action.__qualname__, reason=error.message)
        with suppress(TimeoutError):
            async with asyncio.timeout(every):
                await wake.wait()
