"""Pages of other sites that may call the Tasks API or follow links: cross-origin requests."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from services.chassis.errors import VitascopeError
from vitascope.accounts.v1.internal_pb2 import CheckOriginRequest

if TYPE_CHECKING:
    from vitascope.accounts.v1.internal_pb2_grpc import IdentityServiceAsyncStub

log = structlog.stdlib.get_logger(__name__)

REMEMBERED_SECONDS = 5.0
REMEMBERED_ORIGINS = 10_000
_LONGEST_ORIGIN = 300
_PREFLIGHT_SECONDS = "600"
_TAKEN_HEADERS = (
    "authorization, content-type, idempotency-key, range, if-match, if-none-match, "
    "if-modified-since, if-unmodified-since, if-range, traceparent, x-request-id"
)
_SHOWN_HEADERS = (
    "accept-ranges, content-disposition, content-length, content-range, etag, last-modified, "
    "ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after, x-request-id"
)

ANY_ORIGIN: Mapping[str, str] = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": _SHOWN_HEADERS,
}
"""The headers that let any page read an answer."""


def preflight_of_any(allowed: Sequence[str]) -> dict[str, str]:
    """Return the headers that let any page send a request with these methods."""
    return {"access-control-allow-origin": "*", **_permissions(allowed)}


class Origins:
    """Asks the accounts service which origins any account lists; remembers that for seconds."""

    def __init__(self, identity: "IdentityServiceAsyncStub") -> None:
        self._identity = identity
        self._known: dict[str, tuple[bool, float]] = {}

    async def headers(self, origin: str) -> dict[str, str]:
        """Return the headers that let a page read the answer; none when it may not."""
        if not await self.listed(origin):
            return {}
        return {
            "access-control-allow-origin": origin,
            "access-control-expose-headers": _SHOWN_HEADERS,
        }

    async def preflight(self, origin: str, allowed: Sequence[str]) -> dict[str, str]:
        """Return the headers that let a page send a request; none when it may not."""
        if not await self.listed(origin):
            return {}
        return {"access-control-allow-origin": origin, **_permissions(allowed)}

    async def listed(self, origin: str) -> bool:
        """Whether any account lists the origin; not while the accounts service is away."""
        if not origin or len(origin) > _LONGEST_ORIGIN or not origin.isascii():
            return False
        now = time.monotonic()
        known = self._known.get(origin)
        if known is not None and known[1] > now:
            return known[0]
        try:
            answer = await self._identity.CheckOrigin(CheckOriginRequest(origin=origin))
        except VitascopeError as error:
            log.warning("origin not checked", origin=origin, error=error.message)
            return False
        if len(self._known) >= REMEMBERED_ORIGINS:
            self._known.clear()
        self._known[origin] = (answer.listed, now + REMEMBERED_SECONDS)
        return bool(answer.listed)


def _permissions(allowed: Sequence[str]) -> dict[str, str]:
    return {
        "access-control-allow-methods": ", ".join(allowed),
        "access-control-allow-headers": _TAKEN_HEADERS,
        "access-control-max-age": _PREFLIGHT_SECONDS,
    }
