"""A web server that says exactly what a test tells it to, however wrong."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext
from typing import Any

Say = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes = b"", status: str = "200 OK", **headers: Any) -> bytes:
    """A whole HTTP response; `content_length` and the like become headers, empty ones vanish."""
    lines = {"content-length": str(len(body)), "connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def redirect(to: str, status: str = "302 Found") -> bytes:
    """A response that leads elsewhere."""
    return answer(status=status, location=to)


def endless(piece: bytes, head: bytes = b"") -> Say:
    """Say `head`, then `piece` again and again until nobody listens."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()

    return say


def dripping(piece: bytes, seconds: float, head: bytes = b"") -> Say:
    """Say `head`, then `piece` every few seconds until nobody listens."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(seconds)

    return say


class Server:
    """Says by path what it was told to say; remembers the requests.

    A list of things to say is said one a request, the last of them for ever.
    """

    def __init__(self) -> None:
        self.answers: dict[str, bytes | Say | list[bytes | Say]] = {}
        self.requests: list[str] = []
        # Of those that had one.
        self.bodies: list[bytes] = []
        self.reads_bodies = True
        self.port = 0
        # Held back, so that several can ask before the first is answered.
        self.open = asyncio.Event()
        self.open.set()
        self._speaking: set[asyncio.Task[None]] = set()

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        """The address of a path on this server."""
        return f"{scheme}://{host}:{self.port}{path}"

    def _next(self, path: str) -> bytes | Say:
        said = self.answers.get(path, answer(status="404 Not Found"))
        if isinstance(said, list):
            return said.pop(0) if len(said) > 1 else said[0]
        return said

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio complains of a cancelled task of its own, not of this one.
        speaking = asyncio.create_task(self._speak(reader, writer))
        self._speaking.add(speaking)
        await asyncio.wait([speaking])
        writer.close()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            length = re.search(r"^content-length: (\d+)\r$", head, re.MULTILINE | re.IGNORECASE)
            if length and self.reads_bodies:
                self.bodies.append(await reader.readexactly(int(length[1])))
            await self.open.wait()
            said = self._next(head.split()[1])
            if isinstance(said, bytes):
                writer.write(said)
            else:
                await said(writer)

    @asynccontextmanager
    async def running(self, tls: SSLContext | None = None) -> AsyncIterator["Server"]:
        """Listen on a free loopback port."""
        listening = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = listening.sockets[0].getsockname()[1]
        async with listening:
            yield self
            listening.close()
            for speaking in self._speaking:
                speaking.cancel()
            await asyncio.gather(*self._speaking, return_exceptions=True)
            # One turn of the loop for those who waited for them.
            await asyncio.sleep(0)
