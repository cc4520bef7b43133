"""The one way to read an address from outside: checked, pinned, bounded.

A stranger chooses the address, so it may point at this machine or its
neighbours, at a name that resolves to something else on the second look, or
at a stream without an end. Every hop goes through `_PinnedTransport`.
"""

import asyncio
import email.message
import functools
import ipaddress
import re
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

_CHUNK_BYTES = 1 << 20
_SECONDS_TO_CONNECT = 15.0
_SECONDS_OF_SILENCE = 60.0
_FILE_NAME_LENGTH = 200
_HIGHEST_PORT = 65535
_WORTH_RETRYING = frozenset({408, 425, 429})
_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Not for the public, though `ipaddress` of some Python versions says so.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba Cloud keeps its metadata here
        "168.63.129.16/32",  # Azure's platform address
        "192.0.0.0/24",  # IETF assignments; Oracle Cloud keeps its metadata here
        "192.88.99.0/24",  # 6to4 relays
        "2002::/16",  # 6to4: wraps any IPv4 address
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fec0::/10",  # the former site-local range
    )
)


class FetchError(Exception):
    """A source could not be read. The message is one sentence for its sender."""


class FetchRefused(FetchError):
    """The address or what it answers is at fault; trying again cannot help."""


class FetchFailed(FetchError):
    """The network or the server is in trouble; trying again can help."""


@dataclass(frozen=True)
class Policy:
    """What a fetch may do: bytes to store, seconds in all, hops, and where to."""

    max_bytes: int
    max_seconds: float
    max_redirects: int = 5
    # For tests and for the embedded suite, whose users' files are on this machine.
    allow_loopback: bool = False


@dataclass(frozen=True)
class Fetched:
    """What was stored: bytes, the declared MIME type, the name its server gives it."""

    size: int
    content_type: str | None
    file_name: str


async def fetch(url: str, target: Path, *, policy: Policy) -> Fetched:
    """Read an http(s) address into the file `target`, which holds a part after a failure.

    Raises FetchRefused or FetchFailed.
    """
    try:
        async with asyncio.timeout(policy.max_seconds):
            return await _fetch(url, target, policy)
    except TimeoutError as error:
        seconds = f"{policy.max_seconds:g}"
        raise FetchFailed(f"reading the source took longer than {seconds} seconds") from error


async def _fetch(url: str, target: Path, policy: Policy) -> Fetched:
    # Without the environment: a proxy would look names up itself, unchecked.
    async with httpx.AsyncClient(
        transport=_PinnedTransport(policy),
        trust_env=False,
        timeout=httpx.Timeout(_SECONDS_OF_SILENCE, connect=_SECONDS_TO_CONNECT),
        headers={"accept-encoding": "identity", "user-agent": "vitascope"},
    ) as client:
        try:
            response = await _open(client, url, policy)
            size = await _store(response, target, policy)
        except httpx.InvalidURL as error:
            raise FetchRefused("the address of the source is not valid") from error
        except httpx.DecodingError as error:
            raise FetchRefused("the source is not compressed as its server says") from error
        except httpx.HTTPError as error:
            if _certificate_is_bad(error):
                raise FetchRefused("the source's server has no valid certificate") from error
            raise FetchFailed(f"the source could not be read ({type(error).__name__})") from error
    return Fetched(size, _content_type(response), _file_name(response))


async def _open(client: httpx.AsyncClient, url: str, policy: Policy) -> httpx.Response:
    """Follow redirects to an answer that carries a file; its body is not read yet."""
    request: httpx.Request | None = client.build_request("GET", url)
    for _ in range(policy.max_redirects + 1):
        if request is None:
            break
        # httpx's own following would read the redirects' bodies, however long.
        response = await client.send(request, stream=True)
        if not response.has_redirect_location:
            return _accepted(response, policy)
        request = response.next_request
        await response.aclose()
    raise FetchRefused(f"the source redirects more than {policy.max_redirects} times")


def _accepted(response: httpx.Response, policy: Policy) -> httpx.Response:
    status = response.status_code
    if status >= 500 or status in _WORTH_RETRYING:
        raise FetchFailed(f"the source's server answered with status {status}")
    if status != 200:
        raise FetchRefused(f"the source's server answered with status {status}")
    # A few kilobytes compressed twice become gigabytes in one step.
    if response.headers.get("content-encoding", "").strip().lower() not in _ENCODINGS:
        raise FetchRefused("the source's server compresses in a way that was not asked for")
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length) > policy.max_bytes:
        raise _too_large(policy)
    return response


async def _store(response: httpx.Response, target: Path, policy: Policy) -> int:
    size = 0
    with await asyncio.to_thread(target.open, "wb") as file:
        async for chunk in response.aiter_bytes(_CHUNK_BYTES):
            size += len(chunk)
            if size > policy.max_bytes:
                raise _too_large(policy)
            await asyncio.to_thread(file.write, chunk)
    return size


def _too_large(policy: Policy) -> FetchRefused:
    return FetchRefused(f"the source is larger than {policy.max_bytes} bytes")


class _PinnedTransport(httpx.AsyncHTTPTransport):
    """Checks each request's address and connects to exactly what was checked."""

    def __init__(self, policy: Policy) -> None:
        # A kept connection to the same address may have been verified for another name.
        super().__init__(
            verify=_trusted_authorities(), limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._policy = policy

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.scheme not in ("http", "https") or not url.host:
            raise FetchRefused("only http and https addresses can be read")
        if url.userinfo:
            raise FetchRefused("an address with a user name or password is not read")
        port = url.port or (443 if url.scheme == "https" else 80)
        if port > _HIGHEST_PORT:
            raise FetchRefused("the address of the source is not valid")
        addresses = await _resolve(url.raw_host.decode("ascii"), port)
        if not all(_may_connect(address, self._policy) for address in addresses):
            raise FetchRefused("the address of the source is not on the public internet")
        for address in addresses[:-1]:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await super().handle_async_request(_pinned(request, address))
        return await super().handle_async_request(_pinned(request, addresses[-1]))


def _pinned(request: httpx.Request, address: _Address) -> httpx.Request:
    """The same request to an address; the certificate must still be the named host's."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode("ascii")},
    )


async def _resolve(host: str, port: int) -> list[_Address]:
    """The addresses of a host in the system's order of preference."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            raise FetchFailed("the name of the source's server cannot be looked up now") from error
        raise FetchRefused("the name of the source's server is not known") from error
    return list(dict.fromkeys(ipaddress.ip_address(address[0]) for *_, address in found))


def _may_connect(address: _Address, policy: Policy) -> bool:
    address = _unwrapped(address)
    if address.is_loopback:
        return policy.allow_loopback
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_link_local
        or address.is_private
        or address.is_unspecified
    )


def _unwrapped(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 address stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


@functools.cache
def _trusted_authorities() -> ssl.SSLContext:
    """Reading the certificate authorities takes milliseconds; SSL_CERT_FILE can replace them."""
    return httpx.create_ssl_context()


def _certificate_is_bad(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _content_type(response: httpx.Response) -> str | None:
    declared = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return declared or None


def _file_name(response: httpx.Response) -> str:
    """The name that the server gives the file, else the last part of its address."""
    headers = email.message.Message()
    headers["content-disposition"] = response.headers.get("content-disposition", "")
    name = headers.get_filename() or response.request.url.path
    name = re.sub(r"[\x00-\x1f\x7f]", "", name.replace("\\", "/")).rstrip("/")
    return name.rpartition("/")[2][-_FILE_NAME_LENGTH:]
