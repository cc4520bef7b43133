"""What is settled of a request before its RPC: where it comes from and who signed it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.addresses import Network, client_address
from gateway.exchange import Exchange
from gateway.origins import Origins
from gateway.signatures import is_signed, verify_streamed, verify_whole
from gateway.surface import Surface

if TYPE_CHECKING:
    from vitascope.accounts.v1.internal_pb2_grpc import IdentityServiceAsyncStub


class Admission:
    """Knows which proxies to believe; asks accounts about pages of other sites and signatures."""

    def __init__(
        self, identity: "IdentityServiceAsyncStub", trusted_proxies: Sequence[Network]
    ) -> None:
        self._identity = identity
        self._origins = Origins(identity)
        self._trusted = trusted_proxies

    async def receive(self, exchange: Exchange, surface: Surface) -> None:
        """Find out who asks, and let a listed page read whatever the answer will be."""
        exchange.client = client_address(exchange.peer, exchange.forwarded_for, self._trusted)
        if surface.cross_origin:
            exchange.varies.append("origin")
            if origin := exchange.headers.get("origin"):
                exchange.headers_of_any_answer |= await self._origins.headers(origin)

    async def preflight(self, exchange: Exchange, allowed: Sequence[str]) -> dict[str, str]:
        """Return what a browser that asks before it sends a page's request has to know."""
        if "access-control-request-method" not in exchange.headers:
            return {}
        return await self._origins.preflight(exchange.headers.get("origin", ""), allowed)

    async def verify(self, exchange: Exchange, body_limit: int | None) -> None:
        """Put a user's token in the place of a signature, if there is one. Raises Refusal.

        `body_limit` is the largest body in bytes, None for one that streams.
        """
        if not is_signed(exchange):
            return
        if body_limit is None:
            await verify_streamed(exchange, self._identity)
        else:
            await verify_whole(exchange, self._identity, body_limit)
