"""One HTTP request and its answer, over ASGI."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from gateway.problems import Refusal, bad_request, too_large

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}")
_JSON = "application/json"
# After an answer that did not wait for the body, this much of it is still read, so that the
# client gets to see the answer instead of a broken connection.
_DRAINED_BYTES = 64 * 2**20
_DRAINED_SECONDS = 10.0
_IDLE_SECONDS = 60.0


class ClientGone(Exception):
    """The client went away before its request was whole."""


class Exchange:
    """A request as it comes in, and the answer as it goes out.

    `segments` are the percent-encoded path segments without empty ones: repeated slashes count as
    one. Header names are lower-case; of a repeated header the last value counts. `status` is what
    was answered, None before; `gone` whether the client left first.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.path = raw_path.partition(b"?")[0].decode("latin-1")
        self.segments = [segment for segment in self.path.split("/") if segment]
        self.query: bytes = scope["query_string"]
        self.headers: dict[str, str] = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        asked_id = self.headers.get("x-request-id", "")
        self.request_id = asked_id if _REQUEST_ID.fullmatch(asked_id) else uuid.uuid4().hex
        self.status: int | None = None
        self.gone = False
        self._body_ended = False
        self._receive = receive
        self._send = send

    def declared_length(self) -> int | None:
        """The body's length in bytes as the client says, if it does."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes. Raises ClientGone, and a 408 Refusal for a long pause."""
        while not self._body_ended:
            try:
                async with asyncio.timeout(_IDLE_SECONDS):
                    event = await self._receive()
            except TimeoutError:
                message = f"Nothing came for {_IDLE_SECONDS:.0f} seconds"
                raise Refusal(408, "RequestTimeoutException", message) from None
            if event["type"] != "http.request":
                raise ClientGone
            self._body_ended = not event.get("more_body", False)
            if event.get("body"):
                yield event["body"]

    async def body(self, limit: int) -> bytes:
        """Return the whole body. Raises ClientGone, and a 413 Refusal above `limit` bytes."""
        if (self.declared_length() or 0) > limit:
            raise too_large(limit)
        whole = bytearray()
        async for chunk in self.chunks():
            whole += chunk
            if len(whole) > limit:
                raise too_large(limit)
        return bytes(whole)

    @asynccontextmanager
    async def while_connected(self) -> AsyncIterator[None]:
        """Cancel the current task when the client leaves; what is left of the body is dropped."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- coroutines run in tasks

        async def watch() -> None:
            while (await self._receive())["type"] == "http.request":
                self._body_ended = True
            self.gone = True
            task.cancel()

        watcher = asyncio.create_task(watch())
        try:
            yield
        finally:
            watcher.cancel()

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status and the headers; header names are lower-case."""
        self.status = status
        always = {"x-request-id": self.request_id, "x-content-type-options": "nosniff"}
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": _encoded({**headers, **always}.items()),
            }
        )

    async def write(self, chunk: bytes, *, more: bool = True) -> None:
        """Send a piece of the answer's body, waiting while the client is slower; none for HEAD."""
        body = b"" if self.method == "HEAD" else chunk
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def answer(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a whole answer, JSON unless the headers say otherwise."""
        length = {} if status in (204, 304) else {"content-length": str(len(body))}
        kind = {"content-type": _JSON} if length else {}
        await self.start(status, {**kind, **length, **(headers or {})})
        await self.write(body if length else b"", more=False)

    async def drain(self) -> None:
        """Read and drop what is left of the body after an early answer, up to a bound."""
        left = _DRAINED_BYTES
        try:
            async with asyncio.timeout(_DRAINED_SECONDS):
                async for chunk in self.chunks():
                    left -= len(chunk)
                    if left < 0:
                        return
        except (ClientGone, Refusal, TimeoutError):
            return


def decoded(text: str) -> str:
    """Return a header value that is UTF-8 on the wire. Raises a 400 Refusal for other bytes."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeDecodeError:
        raise bad_request("A header is not UTF-8") from None


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]
