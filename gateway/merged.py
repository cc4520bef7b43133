"""Server-streaming RPCs whose messages are parts of one, as one JSON object."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gateway.codec import Codec
from gateway.exchange import Exchange
from gateway.httpmeta import answer_head
from gateway.problems import too_slow
from gateway.routes import Route
from gateway.transcode import Binder, Limits

# What is no longer than this is answered as a whole, with its length and in fewer bytes.
_WHOLE_BYTES = 256 * 2**10


class MergedEndpoint:
    """Writes the object while its parts come, so that none of it is held but a piece."""

    def __init__(self, route: Route, codec: Codec, call: Any, limits: Limits) -> None:
        """Raises ValueError for a message that cannot be written in parts."""
        self._binder = Binder(route, codec)
        self._codec = codec
        self._call = call
        self._limits = limits
        self._answer = route.rpc.output_type
        Merging(codec, self._answer)

    async def __call__(self, exchange: Exchange, segments: Sequence[str]) -> None:
        """Stream the answer. A failure in its middle breaks the connection off."""
        limit = self._limits.body_bytes
        request, metadata = await self._binder.read(exchange, segments, limit)
        with exchange.while_connected():
            call = self._call(request, metadata=metadata)
            try:
                await self._pass_on(call, exchange)
            except grpc.aio.AioRpcError as error:
                if exchange.status is None:
                    raise self._binder.refusal(error, request) from error
                raise
            finally:
                call.cancel()

    async def _pass_on(self, call: Any, exchange: Exchange) -> None:
        merging, kept = Merging(self._codec, self._answer), b""
        while (message := await self._next(call)) is not None:
            kept += merging.add(message)
            if len(kept) > _WHOLE_BYTES:
                if exchange.status is None:
                    status, headers = answer_head(await call.initial_metadata())
                    await exchange.start(status, {"content-type": "application/json", **headers})
                await exchange.write(kept)
                kept = b""
        kept += merging.end()
        if exchange.status is None:
            status, headers = answer_head(await call.initial_metadata())
            await exchange.answer(status, kept, headers)
        else:
            await exchange.write(kept, more=False)

    async def _next(self, call: Any) -> Message | None:
        try:
            async with asyncio.timeout(self._limits.call_seconds):
                message = await call.read()
        except TimeoutError:
            raise too_slow() from None
        return None if message is grpc.aio.EOF else message


class Merging:
    """One JSON object, as text that comes bit by bit."""

    def __init__(self, codec: Codec, descriptor: Descriptor) -> None:
        """Raises ValueError for a field that is neither repeated nor optional."""
        self._fields = [(each, codec.writer(descriptor, each.name)) for each in descriptor.fields]
        for field, _ in self._fields:
            if not (field.is_repeated or field.has_presence):
                raise ValueError(f"{field.full_name} is neither repeated nor optional")
        # The field that is written now, and whether a list there has something in it.
        self._at = -1
        self._filled = False
        self._before = b"{"

    def add(self, part: Message) -> bytes:
        """Return the text of what a part adds. Raises ValueError for one out of order."""
        text = b""
        for index, (field, write) in enumerate(self._fields):
            if field.is_repeated and getattr(part, field.name):
                text += self._open(index) + (b"," if self._filled else b"") + write(part)[1:-1]
                self._filled = True
            elif not field.is_repeated and part.HasField(field.name):
                text += self._open(index) + write(part)
                self._filled = True
        return text

    def end(self) -> bytes:
        """Return the rest of the text."""
        lists = [index for index, (field, _) in enumerate(self._fields) if field.is_repeated]
        rest = b"".join([self._open(index) for index in lists if index > self._at])
        return rest + self._close() + (b"{}" if self._before == b"{" else b"}")

    def _open(self, index: int) -> bytes:
        """Go on to a field; lists on the way there are empty."""
        if index == self._at and self._fields[index][0].is_repeated:
            return b""
        if index <= self._at:
            raise ValueError(f"{self._fields[index][0].full_name} comes too late")
        text = b""
        while self._at < index:
            text += self._close()
            self._at += 1
            field, _ = self._fields[self._at]
            if field.is_repeated or self._at == index:
                text += self._before + _key(field)
                self._before = b","
        return text

    def _close(self) -> bytes:
        self._filled = False
        return b"]" if self._at >= 0 and self._fields[self._at][0].is_repeated else b""


def _key(field: FieldDescriptor) -> bytes:
    return f"{json.dumps(field.json_name)}:{'[' if field.is_repeated else ''}".encode()
