"""Calls to the suite's other services: one channel each, this service's credential, deadlines."""

from collections.abc import Callable
from typing import TypeVar

import grpc

from services.chassis.settings import Settings

Stub = TypeVar("Stub")


class Clients:
    """Lazily opened channels to the other services."""

    def __init__(self, settings: Settings, service_name: str) -> None:
        raise NotImplementedError

    def stub(self, stub_class: Callable[[grpc.aio.Channel], Stub]) -> Stub:
        """Return the (cached) stub: `clients.stub(IdentityServiceStub)`.

        Its calls carry this service's credential, the request id and a deadline of 10 s (streams:
        none), and raise VitascopeError, never AioRpcError.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Close every channel."""
        raise NotImplementedError
