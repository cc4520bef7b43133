"""Has one question answered by exactly the server that was checked."""

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache

import httpcore
import httpx

from services.chassis.outside.failure import OutsideFailed, OutsideRefused
from services.chassis.outside.network import Network
from services.chassis.outside.policy import Policy
from services.chassis.outside.question import Question, body_of, request_of
from services.chassis.outside.urls import checked, host_of, port_of, redirected

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Answer:
    """What a server says: its status, its headers by lower-case name, then a body."""

    url: httpx.URL
    status: int
    headers: Mapping[str, str]
    _response: httpcore.Response
    _network: Network
    _policy: Policy

    @property
    def host(self) -> str:
        """The server, for people."""
        return host_of(self.url)

    async def body(self) -> AsyncGenerator[bytes]:
        """The body as it comes. Raises OutsideFailed when it breaks off or comes too slowly."""
        window_end, came = time.monotonic() + self._policy.rate_seconds, 0
        with _trouble_with(self.host):
            async for chunk in self._response.aiter_stream():
                self._network.allow_for(len(chunk))
                came += len(chunk)
                if time.monotonic() >= window_end:
                    if came < self._policy.min_rate * self._policy.rate_seconds:
                        raise OutsideFailed(f"The server {self.host} sends too slowly.")
                    window_end, came = time.monotonic() + self._policy.rate_seconds, 0
                yield chunk


@asynccontextmanager
async def asking(url: str, headers: Mapping[str, str], policy: Policy) -> AsyncIterator[Answer]:
    """Ask for an address, and for those that it redirects to; the last answer, body unread.

    Every hop is checked. Raises OutsideRefused or OutsideFailed.
    """
    place = checked(url)
    for _ in range(policy.max_redirects + 1):
        async with exchanged(Question("GET", place, headers), policy) as answer:
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or location is None:
                yield answer
                return
        place = redirected(place, location)
    raise OutsideRefused(
        f"The server {host_of(place)} redirects more than {policy.max_redirects} times."
    )


@asynccontextmanager
async def exchanged(question: Question, policy: Policy) -> AsyncIterator[Answer]:
    """Send one request; its answer, body unread. Raises OutsideRefused or OutsideFailed."""
    url = question.url
    network = Network(policy)
    origin = httpcore.URL(scheme=url.scheme, host=url.raw_host, port=port_of(url), target="").origin
    connection = httpcore.AsyncHTTPConnection(
        origin, ssl_context=_trusted_authorities(), network_backend=network
    )
    try:
        with _trouble_with(host_of(url)):
            async with (
                asyncio.timeout(policy.answer_seconds) as patience,
                aclosing(body_of(question, network, policy, patience)) as body,
            ):
                request = request_of(question, policy, body)
                response = await connection.handle_async_request(request)
        if network.is_cut_short and response.status < 400:
            raise OutsideFailed(f"The server {host_of(url)} answers before it was told all.")
        network.end_head()
        yield Answer(url, response.status, _by_name(response.headers), response, network, policy)
    finally:
        await connection.aclose()


@contextmanager
def _trouble_with(host: str) -> Iterator[None]:
    """Around what talks to a server, to say what is wrong in words for people."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException) as error:
        raise OutsideFailed(f"The server {host} does not answer in time.") from error
    except httpcore.ConnectError as error:
        if _certificate_is_bad(error):
            raise OutsideRefused(f"The server {host} has no valid certificate.") from error
        raise OutsideFailed(f"The server {host} cannot be reached.") from error
    except httpcore.NetworkError as error:
        raise OutsideFailed(f"The connection to the server {host} broke.") from error
    except httpcore.LocalProtocolError as error:
        raise OutsideRefused(f"The server {host} cannot be asked for such an address.") from error
    except httpcore.ProtocolError as error:
        raise OutsideFailed(
            f"The server {host} broke off, or does not answer as a web server does."
        ) from error


def _by_name(headers: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    named: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("ascii").lower(), _text(raw_value)
        named[name] = f"{named[name]}, {value}" if name in named else value
    return named


def _text(value: bytes) -> str:
    """A header's value: by the standard anything; in practice UTF-8, formerly Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@cache
def _trusted_authorities() -> ssl.SSLContext:
    """Reading the certificate authorities takes milliseconds; SSL_CERT_FILE can replace them."""
    return httpx.create_ssl_context()


def _certificate_is_bad(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
