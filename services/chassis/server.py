"""A gRPC server with the suite's interceptors, health, reflection and graceful stop."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import grpc

from services.chassis.auth import Authenticator
from services.chassis.settings import Settings

Registration = tuple[Callable[[Any, grpc.aio.Server], None], object]
Background = Callable[[], Coroutine[Any, Any, None]]


def create_server(
    servicers: Sequence[Registration], authenticator: Authenticator
) -> grpc.aio.Server:
    """Return a server that is not started and has no port yet; tests add port 0 to it."""
    raise NotImplementedError


async def serve(
    name: str,
    address: str,
    servicers: Sequence[Registration],
    authenticator: Authenticator,
    *,
    settings: Settings,
    background: Sequence[Background] = (),
) -> None:
    """Serve until SIGTERM or SIGINT, then stop gracefully.

    Background coroutines run as long as the server; one that ends before is an error that takes
    the process down.
    """
    raise NotImplementedError
