"""Streams of statuses that go on when the connection does not."""

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Any

import httpx

from client.statuses import TaskStatus
from client.transport import AwayError, Request, Transport


def status_stream(keys: Sequence[str]) -> Request:
    """Return the request for the stream of these tasks' statuses."""
    return Request("POST", "/v2/status_stream", {"tasks": list(keys)})


async def follow(transport: Transport, opening: Request) -> AsyncGenerator[TaskStatus, None]:
    """Yield the statuses of all tasks in their order, then every change until all have ended.

    `opening` begins a stream. One that breaks is taken up by the keys of the tasks that go on:
    it begins with their statuses, so that none that ended meanwhile is missed. What was said
    already is not said again.
    """
    if not opening.body["tasks"]:
        return
    latest: dict[str, TaskStatus] = {}
    request, backoff = opening, transport.backoff()
    while True:
        try:
            async with aclosing(_values(transport, request)) as values:
                async for value in values:
                    backoff.reset()
                    for status in _news(value, latest):
                        yield status
            cause = AwayError("the server ended the stream before the tasks had ended")
        except AwayError as away:
            cause = away
        going_on = [key for key, status in latest.items() if not status.ended]
        if latest and not going_on:
            return
        await backoff.wait(cause)
        request = status_stream(going_on) if latest else opening


def _news(value: Any, latest: dict[str, TaskStatus]) -> Iterator[TaskStatus]:
    """Yield what is new of a line, which holds one status or a list of them; nothing if empty."""
    for content in value if isinstance(value, list) else filter(None, [value]):
        try:
            status = TaskStatus.of(content)
        except (KeyError, TypeError, ValueError) as error:
            raise AwayError("the stream holds something that is no status") from error
        known = latest.get(status.key)
        if known is None or (known != status and not known.ended):
            latest[status.key] = status
            yield status


async def _values(transport: Transport, request: Request) -> AsyncGenerator[Any, None]:
    """Yield the JSON of each line; None for the empty ones that keep the connection open.

    Raises AwayError when the stream breaks, RefusedError when it does not begin.
    """
    async with transport.answer(request) as response, aclosing(_lines(response)) as lines:
        async for line in lines:
            yield _json(line) if line.strip() else None


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise AwayError("the stream holds a line that is no JSON") from error


async def _lines(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield whole lines. What follows the last newline was cut off and is worth nothing."""
    begun: list[bytes] = []
    async for chunk in response.aiter_bytes():
        first, *rest = chunk.split(b"\n")
        begun.append(first)
        for piece in rest:
            yield b"".join(begun)
            begun = [piece]
