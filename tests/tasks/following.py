"""Reading streams of statuses, in either version."""

import asyncio
from typing import Any

from tests.tasks.asking import MODULES
from tests.tasks.service import BY_ACCOUNT, DEADLINE, Service


class Stream:
    """A client's end of a stream."""

    def __init__(self, call: Any) -> None:
        self.call = call

    async def first(self) -> list[Any]:
        """Return the list of the first line."""
        line = await self._read()
        assert line.WhichOneof("line") == "tasks", line
        return list(line.tasks.tasks)

    async def next(self) -> Any:
        """Return the status of the next line; None at the end."""
        line = await self._read()
        if not line:
            return None
        assert line.WhichOneof("line") == "status", line
        return line.status

    async def rest(self) -> list[Any]:
        """Return the statuses of all lines until the end."""
        statuses = []
        while (status := await self.next()) is not None:
            statuses.append(status)
        return statuses

    async def _read(self) -> Any:
        async with asyncio.timeout(DEADLINE):
            return await self.call.read()


def create_stream(
    service: Service, version: str, *definitions: Any, name: str = "", metadata: Any = BY_ACCOUNT
) -> Stream:
    """Queue tasks and follow them."""
    request = MODULES[version].CreateStreamRequest(tasks=definitions, idempotency_key=name)
    return Stream(getattr(service, version).CreateStream(request, metadata=metadata))


def status_stream(service: Service, version: str, *keys: str) -> Stream:
    """Follow tasks."""
    request = MODULES[version].StreamStatusRequest(tasks=keys)
    return Stream(getattr(service, version).StreamStatus(request))
