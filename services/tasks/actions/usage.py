"""How much accounts store, which the media service knows."""

import time
from typing import TYPE_CHECKING

import structlog

from services.chassis.errors import VitascopeError
from vitascope.media.v1.outputs_pb2 import GetUsageRequest

if TYPE_CHECKING:
    from vitascope.media.v1.outputs_pb2_grpc import OutputsServiceAsyncStub

REMEMBERED_SECONDS = 5.0
REMEMBERED_ACCOUNTS = 10_000
ANSWER_SECONDS = 2.0

log = structlog.stdlib.get_logger(__name__)


class Usage:
    """Asks the media service what accounts store, and remembers that for seconds."""

    def __init__(self, outputs: "OutputsServiceAsyncStub") -> None:
        self._outputs = outputs
        self._known: dict[str, tuple[int, float]] = {}

    async def stored_bytes(self, account_id: str) -> int:
        """Return an account's bytes, 0 while nobody knows: tasks are taken in without media too."""
        stored, until = self._known.get(account_id, (0, 0.0))
        now = time.monotonic()
        if now < until:
            return stored
        try:
            request = GetUsageRequest(account_id=account_id)
            stored = (await self._outputs.GetUsage(request, timeout=ANSWER_SECONDS)).stored_bytes
        except VitascopeError as error:
            log.warning("usage not known", account=account_id, error=error.message)
        if len(self._known) >= REMEMBERED_ACCOUNTS:
            self._known.clear()
        self._known[account_id] = (stored, now + REMEMBERED_SECONDS)
        return stored
