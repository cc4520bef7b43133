"""What is said to a server: a request, and a body as long as the server wants it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import httpcore
import httpx

from services.chassis.outside.bodies import Body, OnSent, pieces, size_of
from services.chassis.outside.network import Network
from services.chassis.outside.policy import Policy
from services.chassis.outside.urls import port_of

_SECONDS_TO_CONNECT = 15.0
# Longer bodies are begun only when the server says that it wants them, or says nothing so long.
_LONG_BODY = 1 << 20
_SECONDS_TO_CONTINUE = 1.0
_BODILESS = frozenset({"GET", "HEAD"})
# Encodings are undone where one insists on them, but the file itself is wanted.
_HEADERS = {
    "accept": "*/*",
    "accept-encoding": "identity",
    "connection": "close",
    "user-agent": "vitascope",
}


def _unheard(sent: int) -> None:
    """Nobody follows."""


@dataclass(frozen=True)
class Question:
    """A request: `headers` by lower-case name, `url` a checked one.

    `on_sent` takes how many bytes of the body the network has taken.
    """

    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    body: Body = b""
    on_sent: OnSent = _unheard

    @property
    def size(self) -> int:
        """How long the body is, in bytes."""
        return size_of(self.body)

    @property
    def is_long(self) -> bool:
        """Whether the server is asked before the body is sent."""
        return self.size > _LONG_BODY


def request_of(question: Question, policy: Policy, body: AsyncIterator[bytes]) -> httpcore.Request:
    """The request as it goes out."""
    url = question.url
    headers = {"host": url.netloc.decode("ascii"), **_HEADERS, **question.headers}
    if question.method not in _BODILESS:
        headers["content-length"] = str(question.size)
    if question.is_long:
        headers["expect"] = "100-continue"
    return httpcore.Request(
        question.method,
        httpcore.URL(scheme=url.scheme, host=url.raw_host, port=port_of(url), target=url.raw_path),
        headers=list(headers.items()),
        content=body,
        extensions={
            "timeout": {
                "connect": _SECONDS_TO_CONNECT,
                "read": policy.silence_seconds,
                "write": policy.answer_seconds,
            },
        },
    )


async def body_of(
    question: Question, network: Network, policy: Policy, patience: asyncio.Timeout
) -> AsyncGenerator[bytes]:
    """The body, until the server answers; each piece that the network takes renews the patience.

    Raises httpcore's WriteError when the server answers before it has all.
    """
    loop, ear = asyncio.get_running_loop(), network.ear

    def taken(sent: int) -> None:
        patience.reschedule(loop.time() + policy.answer_seconds)
        question.on_sent(sent)

    if ear is not None and question.size:
        ear.listen()
        if question.is_long:
            await ear.until_said(min(_SECONDS_TO_CONTINUE, policy.answer_seconds / 2))
    async with aclosing(pieces(question.body, taken)) as rest:
        async for piece in rest:
            if ear is not None and ear.is_answered:
                network.is_cut_short = True
                raise httpcore.WriteError("answered early")
            yield piece
