"""The worker's line to the ledger, which comes back by itself."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import structlog

from services.chassis.bundles import bundled, unbundled
from services.chassis.errors import VitascopeError
from services.media.worker.leases import Leases
from vitascope.work.v1.work_pb2 import Hello, WorkRequest, WorkResponse

if TYPE_CHECKING:
    from vitascope.work.v1.work_pb2_grpc import LedgerServiceAsyncStub

_FIRST_DELAY = 0.1
_LONGEST_DELAY = 5.0

log = structlog.stdlib.get_logger(__name__)


class Line:
    """Says what the leases owe, and passes on what the ledger says."""

    def __init__(
        self,
        ledger: "LedgerServiceAsyncStub",
        hello: Hello,
        leases: Leases,
        hear: Callable[[WorkResponse], None],
    ) -> None:
        self._ledger = ledger
        self._hello = hello
        self._leases = leases
        self._hear = hear
        self._ended_calls = 0

    async def keep(self) -> None:
        """Talk until cancelled, over as many streams as it takes."""
        this = asyncio.current_task()
        delay = _FIRST_DELAY
        while True:
            try:
                async for response in self._responses():
                    delay = _FIRST_DELAY
                    for each in unbundled(response):
                        self._hear(each)
            except VitascopeError as error:
                log.warning("the ledger is away", reason=error.message)
            # A stream that ends in the moment of a cancellation keeps it to itself.
            if this and this.cancelling():
                raise asyncio.CancelledError
            # Workers by the hundred must not come back in the same moment.
            await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311
            delay = min(2 * delay, _LONGEST_DELAY)

    async def _responses(self) -> AsyncIterator[WorkResponse]:
        call = self._ledger.Work(self._requests(self._ended_calls))
        try:
            async for response in call:
                yield response
        finally:
            call.cancel()
            self._ended_calls += 1
            self._leases.changed.set()

    async def _requests(self, ended_calls: int) -> AsyncIterator[WorkRequest]:
        self._leases.reoffer()
        yield WorkRequest(hello=self._hello)
        # What is taken for a call that ended would be lost.
        while ended_calls == self._ended_calls:
            self._leases.changed.clear()
            for request in bundled(self._leases.due()):
                yield request
            try:
                async with asyncio.timeout(self._leases.seconds_until_due()):
                    await self._leases.changed.wait()
            except TimeoutError:
                continue
