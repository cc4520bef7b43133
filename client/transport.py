"""Requests to the server, repeated while it is away."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from client.errors import TasksApiError, UnavailableError, refusal

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
# A connection that was never made, or was lost. What the caller did wrong is not among them.
LOST = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError, httpx.ProxyError)
AWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)


@dataclass(frozen=True)
class Request:
    """A request that may be sent again: its effect is the same however often it arrives."""

    method: str
    path: str
    body: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class AwayError(Exception):
    """This try failed and another may not. `seconds` is how long the server asks to wait."""

    def __init__(self, message: str, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = seconds


class Backoff:
    """The pauses between tries: longer and longer, and for no longer than the patience."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.reset()

    def reset(self) -> None:
        """Forget the failures: something arrived."""
        self._pause = FIRST_PAUSE_SECONDS
        self._since: float | None = None

    async def wait(self, cause: AwayError) -> None:
        """Wait before the next try; raises UnavailableError when there is none."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        # Many clients that lost the same server do not all come back in one moment.
        pause = max(cause.seconds, self._pause * random.uniform(0.5, 1))  # noqa: S311
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        if now + pause > self._since + self._patience:
            raise UnavailableError(str(cause)) from cause
        await asyncio.sleep(pause)


class Transport:
    """The way to one server with one account's secret, or without."""

    def __init__(self, http: httpx.AsyncClient, url: str, secret: str, patience: float) -> None:
        self.http = http
        self._url = url.rstrip("/")
        # With the requests instead of the client: files may lie on other servers.
        self._headers = {"Authorization": f"Secret {secret}"} if secret else {}
        self._patience = patience

    def backoff(self) -> Backoff:
        """Return the pauses for one undertaking."""
        return Backoff(self._patience)

    async def ask(self, request: Request) -> Any:
        """Return the JSON of the answer. Raises RefusedError, UnavailableError, TasksApiError."""
        content = await self._content(request)
        try:
            return json.loads(content)
        except ValueError as error:
            raise TasksApiError(f"what {self._url} answers is not of the Tasks API") from error

    async def _content(self, request: Request) -> bytes:
        backoff = self.backoff()
        while True:
            try:
                async with self.answer(request) as response:
                    return await response.aread()
            except AwayError as cause:
                await backoff.wait(cause)

    @asynccontextmanager
    async def answer(self, request: Request) -> AsyncIterator[httpx.Response]:
        """Give one good answer, of which the body is yet to come.

        Raises RefusedError, and AwayError also while the body is read.
        """
        content = None if request.body is None else json.dumps(request.body)
        async with exchange(
            self.http,
            request.method,
            f"{self._url}{request.path}",
            content=content,
            params=request.params,
            headers={"Content-Type": "application/json", **self._headers, **request.headers},
        ) as response:
            yield response


@asynccontextmanager
async def exchange(
    http: httpx.AsyncClient, method: str, url: str, **options: Any
) -> AsyncIterator[httpx.Response]:
    """Give one good answer. Raises RefusedError, and AwayError also while the body is read."""
    try:
        async with http.stream(method, url, **options) as response:
            if not response.is_success:
                await response.aread()
                raise _problem_of(response)
            yield response
    except LOST as cause:
        said = str(cause) or type(cause).__name__
        raise AwayError(f"no answer from {httpx.URL(url).netloc.decode()}: {said}") from cause


def _problem_of(response: httpx.Response) -> Exception:
    try:
        body = response.json()
    except ValueError:
        body = None
    refused = refusal(response.status_code, body)
    if response.status_code not in AWAY:
        return refused
    asked = response.headers.get("Retry-After", "")
    return AwayError(str(refused), float(asked) if asked.isascii() and asked.isdigit() else 0.0)
