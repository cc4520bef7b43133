"""Clients of streams: one connection each, as bare as can be."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any


class Reader:
    """One stream. `told` is called with every status of its lines and the moment it came."""

    def __init__(self, told: Callable[[dict[str, Any], float], None]) -> None:
        self._told = told
        self.lines = 0
        self.empty_lines = 0
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, address: str, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Ask for a stream; return the statuses of the first line."""
        host, _, port = address.rpartition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(content)}\r\n\r\n"
        self._writer.write(head.encode() + content)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(answer.decode())
        first: list[dict[str, Any]] = json.loads(await self._chunk())
        return first

    async def follow(self) -> dict[str, Any]:
        """Read until the stream ends; return what its last line says."""
        last: dict[str, Any] = {}
        while line := await self._chunk():
            if line == b"\n":
                self.empty_lines += 1
                continue
            came = time.monotonic()
            last = json.loads(line)
            self.lines += 1
            self._told(last, came)
        if self._writer is not None:
            self._writer.close()
        return last

    async def _chunk(self) -> bytes:
        """Return the next chunk, which is a line; nothing at the end."""
        assert self._reader is not None  # noqa: S101 -- opened before
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        return (await self._reader.readexactly(size + 2))[:-2]
