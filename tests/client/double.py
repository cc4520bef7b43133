"""A server that answers as a test says, and breaks off where it says."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """An answer to one request. `cut` ends the connection after the pieces, before its due end."""

    pieces: Sequence[bytes] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class Double:
    """The answers still to give, and the requests that came. None closes without an answer."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[Answer | None] = []
        self.asked: list[Asked] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the request of one connection."""
        try:
            self.asked.append(await _request(reader))
            answer = self.answers.pop(0)
            if answer is not None:
                await _write(writer, answer)
        finally:
            writer.close()


@asynccontextmanager
async def scripted() -> AsyncIterator[Double]:
    """Serve a double on a free port of this machine."""
    double = Double()
    server = await asyncio.start_server(double.serve, "127.0.0.1", 0)
    double.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield double
    assert not double.answers, "not all was asked for"


def said(*lines: object, cut: bool = False) -> Answer:
    """A stream of JSON lines; a text is written as it is."""
    texts = (each if isinstance(each, str) else f"{json.dumps(each)}\n" for each in lines)
    return Answer([text.encode() for text in texts], cut=cut)


def state(key: str, status: str, **more: Any) -> dict[str, Any]:
    """A task's status as JSON."""
    return {"status": status, "key": key, "progress": None, "events": {}, **more}


async def _request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split()
    fields = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in fields}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, target, headers, body)


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    headers = {"Connection": "close", **answer.headers}
    sized = "Content-Length" in headers
    if not sized:
        headers["Transfer-Encoding"] = "chunked"
    lines = [f"HTTP/1.1 {answer.status} -", *(f"{name}: {headers[name]}" for name in headers)]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    for piece in answer.pieces:
        writer.write(piece if sized else b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
    if not sized and not answer.cut:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
