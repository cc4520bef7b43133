"""One HTTP request and its answer, over ASGI."""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
)
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from gateway import compression
from gateway.pacing import Pace
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
# A body may keep us waiting this long for its next bytes, and in all as long as this and what it
# takes at the slowest speed that is still a client's and not an attack's.
_IDLE_SECONDS = 60.0
_SLOWEST_BYTES_A_SECOND = 1024
# How long a client may take to accept one piece, of at most 1 MiB, of a streamed answer.
_ACCEPT_SECONDS = 120.0
_PIECE_BYTES = 256 * 2**10
# Watching for a client that leaves costs as much as half a call; most calls end before this.
_UNWATCHED_SECONDS = 0.05
_TARGET_BYTES = 32 * 2**10
# Ids are shorter; of a link's grant, which is longer, it leaves out all of the signature.
_SHOWN_LETTERS = 40
_HEADERS_BYTES = 32 * 2**10

# Unless an answer has its own: pages of other sites may neither frame, sniff, nor be told of it.
_USUAL = {
    "server": "vitascope",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_USUAL_OF_TLS = {**_USUAL, "strict-transport-security": "max-age=31536000"}


class ClientGone(Exception):
    """The client went away before its request was whole."""


class Exchange:
    """A request as it comes in, and the answer as it goes out.

    `segments` are the percent-encoded path segments without empty ones: repeated slashes count as
    one; `target` is the path with the query as sent. Header names are lower-case; of a repeated
    header the last value counts, but for `forwarded_for`. `peer` and `client` are the addresses of
    who is connected and of who asked. `headers_of_any_answer` go out whatever the answer is; its
    `varies` name the request headers that it depends on. `status` is what was answered, None
    before; `gone` whether the client left first.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.path = raw_path.partition(b"?")[0].decode("latin-1")
        self.segments = [segment for segment in self.path.split("/") if segment]
        self.query: bytes = scope["query_string"]
        self.target = self.path + (f"?{self.query.decode('latin-1')}" if self.query else "")
        # Servers hand header names over in lower case.
        sent = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        ]
        self.headers: dict[str, str] = dict(sent)
        self._headers_bytes = sum([len(name) + len(value) for name, value in sent])
        self.forwarded_for: list[str] = []
        if "x-forwarded-for" in self.headers:
            self.forwarded_for = [value for name, value in sent if name == "x-forwarded-for"]
        self.peer: str = (scope.get("client") or ("",))[0]
        self.client = self.peer
        self.headers_of_any_answer: dict[str, str] = {}
        self.varies: list[str] = []
        self._usual = _USUAL_OF_TLS if scope.get("scheme") == "https" else _USUAL
        asked_id = self.headers.get("x-request-id", "")
        self.request_id = asked_id if _REQUEST_ID.fullmatch(asked_id) else secrets.token_hex(16)
        self.status: int | None = None
        self.gone = False
        self._body: bytes | None = None
        self._body_begun = self._body_ended = False
        self._digest: str | None = None
        self._receive = receive
        self._send = send

    @property
    def shown_path(self) -> str:
        """The path for logs: nothing in it that is long enough for a credential is whole."""
        if len(self.path) <= _SHOWN_LETTERS:
            return self.path
        return "/".join(
            part if len(part) <= _SHOWN_LETTERS else f"{part[:_SHOWN_LETTERS]}..."
            for part in self.path.split("/")
        )

    def check_size(self) -> None:
        """Raise a 414 or 431 Refusal when the path and query or the headers are too long."""
        if len(self.target) > _TARGET_BYTES:
            message = f"The path and query are longer than {_TARGET_BYTES} bytes"
            raise Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "BadRequestException", message)
        if self._headers_bytes > _HEADERS_BYTES:
            message = f"The headers are longer than {_HEADERS_BYTES} bytes"
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise Refusal(status, "BadRequestException", message)

    def awaits_leave(self) -> bool:
        """Whether the client holds the body back until it is asked for (`100 Continue`)."""
        waits = self.headers.get("expect", "").lower() == "100-continue"
        return waits and not self._body_begun

    def expect_digest(self, digest: str) -> None:
        """Have `chunks` refuse a body with another SHA-256, in lower-case hexadecimal."""
        self._digest = digest

    def declared_length(self) -> int | None:
        """The body's length in bytes as the client says, if it does."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises ClientGone, a 408 Refusal for a long pause or a body that only drips, and a 400 at
        the end of a body that is not the one that was announced.
        """
        patience, digest = _Patience(), hashlib.sha256()
        while not self._body_ended:
            event = await patience.next_of(self._receive)
            self._body_begun = True
            if event["type"] != "http.request":
                raise ClientGone
            self._body_ended = not event.get("more_body", False)
            if chunk := event.get("body"):
                patience.reward(len(chunk))
                if self._digest is not None:
                    digest.update(chunk)
                yield chunk
        if self._digest not in (None, digest.hexdigest()):
            raise bad_request("The body is not the one that X-Content-SHA256 tells of")

    async def body(self, limit: int) -> bytes:
        """Return the whole body, as often as asked.

        Raises ClientGone, and a 413 Refusal above `limit` bytes.
        """
        if self._body is not None:
            return self._body
        if (self.declared_length() or 0) > limit:
            raise too_large(limit)
        whole = bytearray()
        async for chunk in self.chunks():
            whole += chunk
            if len(whole) > limit:
                raise too_large(limit)
        self._body = bytes(whole)
        return self._body

    @contextmanager
    def while_connected(self) -> Iterator[None]:
        """Cancel the current task when the client leaves; what is left of the body is dropped."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- coroutines run in tasks
        watcher: asyncio.Task[None] | None = None

        async def watch() -> None:
            while (await self._receive())["type"] == "http.request":
                self._body_ended = True
            self.gone = True
            task.cancel()

        def begin() -> None:
            nonlocal watcher
            watcher = asyncio.create_task(watch())

        beginning = asyncio.get_running_loop().call_later(_UNWATCHED_SECONDS, begin)
        try:
            yield
        finally:
            beginning.cancel()
            if watcher is not None:
                watcher.cancel()

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status and the headers; header names are lower-case."""
        self.status = status
        out = {**self._usual, **self.headers_of_any_answer, **headers}
        out["x-request-id"] = self.request_id
        if self.varies:
            out["vary"] = ", ".join([*self.varies, *filter(None, [headers.get("vary")])])
        await self._send(
            {"type": "http.response.start", "status": status, "headers": _encoded(out.items())}
        )

    async def write(self, chunk: bytes, *, more: bool = True) -> None:
        """Send a piece of the answer's body, waiting while the client is slower; none for HEAD.

        Raises TimeoutError when the client does not take it in time.
        """
        async with asyncio.timeout(_ACCEPT_SECONDS):
            await self._write(chunk, more)

    async def _write(self, chunk: bytes, more: bool) -> None:
        body = b"" if self.method == "HEAD" else chunk
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def answer(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a whole answer, JSON unless the headers say otherwise, smaller where it helps."""
        if status in (204, 304):
            await self.start(status, headers or {})
            await self._write(b"", more=False)
            return
        out = {"content-type": _JSON, **(headers or {})}
        if compression.worthwhile(body, out):
            self.varies.append("accept-encoding")
            encoding = compression.chosen(self.headers.get("accept-encoding", ""))
            if encoding is not None:
                body = await compression.compressed(body, encoding)
                out["content-encoding"] = encoding
                if out.get("etag", "").startswith('"'):
                    # Other bytes under one name: only the content is the same.
                    out["etag"] = "W/" + out["etag"]
        out["content-length"] = str(len(body))
        await self.start(status, out)
        if len(body) <= _PIECE_BYTES:
            # The server takes a body that is whole at once, however slow the client is.
            await self._write(body, more=False)
            return
        # In pieces, as what is handed over at once is held for as long as the client likes.
        for piece in Pace().cut(body):
            await self.write(piece)
        await self.write(b"", more=False)

    async def drain(self) -> None:
        """Read and drop what is left of the body after an early answer, up to a bound."""
        if self.awaits_leave():
            return
        left = _DRAINED_BYTES
        try:
            async with asyncio.timeout(_DRAINED_SECONDS):
                async for chunk in self.chunks():
                    left -= len(chunk)
                    if left < 0:
                        return
        except (ClientGone, Refusal, TimeoutError):
            return


class _Patience:
    """How long a body may keep us waiting; time in which nobody asks for it does not count."""

    def __init__(self) -> None:
        self._left = _IDLE_SECONDS

    def reward(self, size: int) -> None:
        """Grant the time that so many bytes may take."""
        self._left += size / _SLOWEST_BYTES_A_SECOND

    async def next_of(self, receive: Receive) -> MutableMapping[str, Any]:
        """Return the next event. Raises a 408 Refusal when it does not come in time."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(min(self._left, _IDLE_SECONDS)):
                event = await receive()
        except TimeoutError:
            message = "The body does not come, or comes too slowly"
            raise Refusal(408, "RequestTimeoutException", message) from None
        self._left -= time.monotonic() - started
        return event


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]
