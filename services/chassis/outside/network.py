"""Connects to exactly the address that was checked, and counts what comes."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import httpcore

from services.chassis.outside.addresses import Address, may_connect
from services.chassis.outside.failure import OutsideFailed, OutsideRefused
from services.chassis.outside.listening import Ear
from services.chassis.outside.policy import Policy

# Of a name that has many, so many are tried.
_ADDRESSES = 4
_HEAD_BYTES = 1 << 16
_OVERHEAD_BYTES = 1 << 20
# Chunk sizes, trailers and the like may be as long as the body, not longer.
_WIRE_BYTES_PER_BODY_BYTE = 2


class Network(httpcore.AsyncNetworkBackend):
    """The network as one request to one server sees it.

    The name is looked up once, when connecting, so that a second answer of the
    name server cannot be used. What the server sends besides the body, such as
    headers without an end or interim answers by the million, is bounded.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._tcp = httpcore.AnyIOBackend()
        self._received = 0
        self._allowed = _HEAD_BYTES
        self.ear: Ear | None = None
        # The server answered before it had all of a body.
        self.is_cut_short = False

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a host. Raises OutsideRefused, OutsideFailed and httpcore's errors."""
        addresses = await _resolve(host, port)
        # One inside among public ones is a trap, or a name for inside.
        if not self._policy.allow_private and not all(
            may_connect(each, allow_loopback=self._policy.allow_loopback) for each in addresses
        ):
            raise OutsideRefused(f"The server {host} is not on the public internet.")
        *others, last = addresses[:_ADDRESSES]
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return _Counted(await self._tcp.connect_tcp(str(address), port, timeout), self)
        return _Counted(await self._tcp.connect_tcp(str(last), port, timeout), self)

    def receive(self, size: int) -> None:
        """Note what came over the wire. Raises OutsideRefused when it is too much."""
        self._received += size
        if self._received > self._allowed:
            raise OutsideRefused("The server sends far more than a body and its headers.")

    def end_head(self) -> None:
        """Note that a body begins."""
        self._allowed = self._received + _OVERHEAD_BYTES

    def allow_for(self, size: int) -> None:
        """Note that `size` bytes of what came were of the body."""
        self._allowed += size * _WIRE_BYTES_PER_BODY_BYTE


class _Counted(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, network: Network) -> None:
        self._stream = stream
        self._network = network
        # Above TLS, where there is some: it replaces the one below.
        self._ear = network.ear = Ear(stream)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._ear.read(max_bytes, timeout)
        self._network.receive(len(data))
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._ear.close()
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        secure = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _Counted(secure, self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


async def _resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host in the system's order of preference."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            raise OutsideFailed(f"The name {host} cannot be looked up now.") from error
        raise OutsideRefused(f"The name {host} is not known.") from error
    return list(dict.fromkeys(ipaddress.ip_address(address[0]) for *_, address in found))
