"""Bare connections, for what no HTTP client would send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

SECONDS = 30.0


class Line:
    """One connection to the gateway. Everything that waits gives up after SECONDS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, *pieces: bytes) -> None:
        """Send bytes."""
        self._writer.write(b"".join(pieces))
        await self._writer.drain()

    def end_sending(self) -> None:
        """Close this side of the connection, and go on to read."""
        self._writer.write_eof()

    async def head(self) -> str:
        """Return the next status line and headers, lower-case."""
        async with asyncio.timeout(SECONDS):
            return (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()

    async def rest(self) -> bytes:
        """Return what comes until the other side closes the connection."""
        async with asyncio.timeout(SECONDS):
            return await self._reader.read()

    async def until(self, end: bytes) -> bytes:
        """Return the next bytes before `end`, which is taken too."""
        async with asyncio.timeout(SECONDS):
            return (await self._reader.readuntil(end)).removesuffix(end)

    async def take(self, count: int) -> bytes:
        """Return exactly so many bytes."""
        async with asyncio.timeout(SECONDS):
            return await self._reader.readexactly(count)

    def hang_up(self) -> None:
        """Break the connection off, whatever is on its way."""
        self._writer.transport.abort()


@asynccontextmanager
async def line_to(port: int, *, buffer: int = 2**16) -> AsyncIterator[Line]:
    """Connect to a port of the loopback address; `buffer` bytes at most are read ahead."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=buffer)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def request(method: str, target: str, **headers: str) -> bytes:
    """Return the head of a request on the wire; `_` in header names is a dash."""
    lines = [f"{method} {target} HTTP/1.1", "host: lab.test"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def chunked(*pieces: bytes) -> bytes:
    """Return a body in chunks, with its end."""
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (*pieces, b""))
