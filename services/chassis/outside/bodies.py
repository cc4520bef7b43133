"""What a request carries: bytes, or a part of a file that is read as it is sent."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

PIECE_BYTES = 256 << 10
"""How much is handed to the network at a time; the pace of a server is judged by it."""

OnSent = Callable[[int], None]


@dataclass(frozen=True)
class FilePart:
    """`size` bytes of a file from `start` on; the file must not change meanwhile."""

    path: Path
    size: int
    start: int = 0


Body = bytes | FilePart


def size_of(body: Body) -> int:
    """How many bytes it has."""
    return len(body) if isinstance(body, bytes) else body.size


async def pieces(body: Body, on_sent: OnSent) -> AsyncGenerator[bytes]:
    """The body a piece at a time; `on_sent` takes how many bytes have been taken so far."""
    if isinstance(body, bytes):
        for start in range(0, len(body), PIECE_BYTES):
            yield body[start : start + PIECE_BYTES]
            on_sent(min(start + PIECE_BYTES, len(body)))
        return
    with await asyncio.to_thread(body.path.open, "rb") as file:
        file.seek(body.start)
        sent = 0
        while sent < body.size:
            piece = await asyncio.to_thread(file.read, min(body.size - sent, PIECE_BYTES))
            if not piece:
                raise EOFError("a file became shorter while it was sent")
            yield piece
            sent += len(piece)
            on_sent(sent)
