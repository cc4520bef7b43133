"""A call's context that adds headers to the initial metadata, which a call sends only once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import grpc

Headers = Sequence[tuple[str, str]]


class Headed:
    """Stands in for the context; a handler that sends initial metadata sends the headers too."""

    def __init__(self, context: grpc.aio.ServicerContext[Any, Any], headers: Headers) -> None:
        self._context = context
        self._headers = headers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    async def send_initial_metadata(self, metadata: Headers) -> None:
        """Send the handler's metadata with the headers behind it."""
        headers, self._headers = self._headers, ()
        await self._context.send_initial_metadata((*metadata, *headers))

    async def send_headers(self) -> None:
        """Send the headers, unless they went out with the handler's metadata or are none."""
        if self._headers:
            await self.send_initial_metadata(())
