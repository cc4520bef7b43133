"""Doing something again and again."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial

import structlog

from services.chassis.errors import VitascopeError

log = structlog.stdlib.get_logger(__name__)


async def _repeat(
    name: str, action: Callable[[], Awaitable[None]], seconds: float, wake: asyncio.Event
) -> None:
    while True:
        try:
            await action()
        except VitascopeError as error:
            log.warning("will be tried again", round=name, error=error.message)
        with suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), seconds)


def every(
    seconds: float, action: Callable[[], Awaitable[None]], wake: asyncio.Event | None = None
) -> Callable[[], Coroutine[None, None, None]]:
    """A coroutine function that runs `action` now, then every so many seconds, for ever.

    It runs sooner while `wake` is set; the action clears it. What is away for now is logged and
    tried in the next round.
    """
    name = getattr(action, "__name__", repr(action))
    return partial(_repeat, name, action, seconds, wake or asyncio.Event())
