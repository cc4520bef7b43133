"""The worker's end of the line to one child."""

import asyncio
import base64
import binascii
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.media.operations import CHECKPOINT_BYTES, PARTIAL_BYTES
from services.media.sandbox import wire

_READ_BYTES = 1 << 16
_SECONDS_TO_FORK = 30.0


class Lost(Exception):
    """The fork server is gone, and its children with it."""


class Nonsense(Exception):
    """The child said what no honest child says."""


@dataclass(frozen=True)
class Ears:
    """Who hears what a child says before it is done: percentages, states to save, and what it
    knows of the result."""

    progress: Callable[[float], None]
    checkpoint: Callable[[bytes], None]
    partial: Callable[[bytes], None]


class Child:
    """A child: its process, what it says, and how it ended."""

    def __init__(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        self.number = number
        # Each is None when the fork server ended before it told.
        self.pid: asyncio.Future[int | None] = loop.create_future()
        self.ended: asyncio.Future[int | None] = loop.create_future()
        self._reader = reader
        self._writer = writer
        self._unread = bytearray()

    async def converse(self, job: bytes, ears: Ears) -> dict[str, Any] | None:
        """Give the job, pass on what it says, return the answer; None when it ended without.

        Raises Nonsense.
        """
        try:
            self._writer.write(job)
            await self._writer.drain()
            while True:
                message = await self._message()
                if not _is_remark(message, ears):
                    return message
                # A child that never stops talking must not keep others from being heard.
                await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def status(self) -> int:
        """The wait status of the child, once it ended. Raises Lost."""
        status = await asyncio.shield(self.ended)
        if status is None:
            raise Lost
        return status

    async def process(self) -> int:
        """The process id of the child, once it is forked. Raises Lost."""
        if not self.pid.done():
            # A fork server that hangs does not fork for the next attempt either.
            await asyncio.wait([self.pid], timeout=_SECONDS_TO_FORK)
        if not self.pid.done() or (pid := self.pid.result()) is None:
            raise Lost
        return pid

    async def silence(self) -> None:
        """Wait until nobody is left to speak on the line: all its processes are gone."""
        while await self._reader.read(wire.MAX_FRAME_BYTES):
            pass

    def hang_up(self) -> None:
        """Close the line."""
        self._writer.close()

    async def _message(self) -> dict[str, Any]:
        """The next message. Raises Nonsense, and IncompleteReadError at the end of the line."""
        header = await self._bytes(wire.HEADER.size)
        (length,) = wire.HEADER.unpack(header)
        if length > wire.MAX_FRAME_BYTES:
            raise Nonsense
        try:
            message = json.loads(await self._bytes(length))
        except (ValueError, RecursionError) as error:
            raise Nonsense from error
        if not isinstance(message, dict):
            raise Nonsense
        return message

    async def _bytes(self, length: int) -> bytes:
        # Most messages arrive in one piece, so one read serves header and body.
        while len(self._unread) < length:
            more = await self._reader.read(_READ_BYTES)
            if not more:
                raise asyncio.IncompleteReadError(bytes(self._unread), length)
            self._unread += more
        wanted = bytes(self._unread[:length])
        del self._unread[:length]
        return wanted


def _is_remark(message: dict[str, Any], ears: Ears) -> bool:
    """Whether a message was said on the way, in which case it is passed on. Raises Nonsense."""
    if "percent" in message:
        percent = message["percent"]
        if not isinstance(percent, float) or not math.isfinite(percent):
            raise Nonsense
        ears.progress(percent)
        return True
    if "state" in message:
        ears.checkpoint(_bytes_of(message["state"], CHECKPOINT_BYTES))
        return True
    if "partial" in message:
        ears.partial(_bytes_of(message["partial"], PARTIAL_BYTES))
        return True
    return False


def _bytes_of(text: Any, most: int) -> bytes:
    """Bytes as a child says them. Raises Nonsense."""
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise Nonsense from error
    if len(data) > most:
        raise Nonsense
    return data
