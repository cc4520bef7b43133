"""Sends something to a server outside, and takes its word for what became of it."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass

from services.chassis.outside.bodies import Body, OnSent
from services.chassis.outside.exchange import Answer, exchanged
from services.chassis.outside.failure import OutsideError, OutsideFailed
from services.chassis.outside.policy import Policy
from services.chassis.outside.question import Question
from services.chassis.outside.urls import checked, host_of


@dataclass(frozen=True)
class Reply:
    """What a server said: its status, its headers by lower-case name, the start of its body."""

    # The server, for people.
    host: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def _unheard(sent: int) -> None:
    """Nobody follows."""


async def send(
    method: str,
    url: str,
    *,
    policy: Policy,
    headers: Mapping[str, str] | None = None,
    body: Body = b"",
    on_sent: OnSent = _unheard,
) -> Reply:
    """Send one request to an http(s) address; whatever its status, the answer is returned.

    No redirect is followed: what was meant for one server is not for another. Of the answer's
    body the first `policy.max_bytes` are read, as far as they come; with 0 none is waited for.
    `headers` are by lower-case name. `on_sent` takes how many bytes of the body the network has
    taken so far; they have arrived only when the server answers. Raises OutsideRefused or
    OutsideFailed.
    """
    place = checked(url)
    question = Question(method, place, headers or {}, body, on_sent)
    try:
        async with asyncio.timeout(policy.max_seconds):
            async with exchanged(question, policy) as answer:
                return Reply(
                    host_of(place), answer.status, answer.headers, await _start_of(answer, policy)
                )
    except TimeoutError as error:
        raise OutsideFailed(
            f"The server {host_of(place)} took longer than {policy.max_seconds:g} seconds."
        ) from error


async def _start_of(answer: Answer, policy: Policy) -> bytes:
    body = bytearray()
    if policy.max_bytes:
        # What became of the request is said already: the rest is words.
        with suppress(OutsideError):
            async with aclosing(answer.body()) as chunks:
                async for chunk in chunks:
                    body += chunk
                    if len(body) >= policy.max_bytes:
                        break
    return bytes(body[: policy.max_bytes])
