"""What a service does again and again as long as it runs."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from services.chassis.errors import VitascopeError

log = structlog.stdlib.get_logger(__name__)


async def repeat(
    action: Callable[[], Awaitable[None]],
    every: float,
    *,
    wake: asyncio.Event | None = None,
    delay: float = 0.0,
) -> None:
    """Run `action` every so many seconds for ever, at once when woken, first after a delay.

    What is away for now is logged and tried in the next round; other errors pass through. A wake
    during the action is not forgotten.
    """
    await asyncio.sleep(delay)
    wake = wake or asyncio.Event()
    while True:
        wake.clear()
        try:
            await action()
        except VitascopeError as error:
            log.warning("will be tried again", action=action.__qualname__, reason=error.message)
        with suppress(TimeoutError):
            async with asyncio.timeout(every):
                await wake.wait()
