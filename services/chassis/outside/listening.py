"""Hears a server that answers while it is still being told."""

import asyncio
import re
from contextlib import suppress

import httpcore

_READ_BYTES = 1 << 16
# Such as 100 Continue; the answer comes after it.
_INTERIM = re.compile(rb"(HTTP/1\.1 1\d\d[^\r\n]*\r\n([^\r\n]+\r\n)*\r\n)*")
_INTERIM_BEGINS = b"HTTP/1.1 1"


class Ear:
    """Reads ahead on a connection while a body is sent over it.

    A server that wants no more says why and closes; what it said is lost to who reads only
    afterwards, and a large body would be sent for nothing.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._heard = bytearray()
        self._said_something = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    @property
    def is_answered(self) -> bool:
        """Whether the server has said more than that it goes on listening."""
        return self._listening is not None and self._listening.done()

    def listen(self) -> None:
        """Begin to read ahead."""
        self._listening = asyncio.create_task(self._listen())

    async def until_said(self, seconds: float) -> None:
        """Wait until the server says anything, so long at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._said_something.wait()

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        """What a read on the connection gives, from what was heard first."""
        if self._listening is not None:
            async with asyncio.timeout(timeout):
                await self._listening
            self._listening = None
        if self._heard:
            data = bytes(self._heard[:max_bytes])
            del self._heard[:max_bytes]
            return data
        return await self._stream.read(max_bytes, timeout)

    async def close(self) -> None:
        """Stop reading."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        try:
            while data := await self._stream.read(_READ_BYTES):
                self._heard += data
                self._said_something.set()
                interim = _INTERIM.match(self._heard)
                rest = self._heard[interim.end() :] if interim else self._heard
                if rest and not rest.startswith(_INTERIM_BEGINS):
                    return
        finally:
            self._said_something.set()
