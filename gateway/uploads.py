"""Files in: client-streaming RPCs with the `upload` option, from multipart or raw bodies."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import grpc
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.message import Message

from gateway.codec import Codec
from gateway.exchange import ClientGone, Exchange
from gateway.httpmeta import answer_head
from gateway.multipart import FilePart, boundary_of, open_file
from gateway.problems import Refusal, too_large, too_slow
from gateway.routes import Route
from gateway.transcode import Binder, Limits
from services.chassis.clients import send_serialized
from services.chassis.framing import framed
from vitascope.options.v1 import options_pb2

CHUNK_BYTES = 2**20
# What multipart headers and small fields may add to the size of the file itself.
_ENVELOPE_BYTES = 2**20
# A client that waits to be asked for its body gives the service this long to refuse it unseen.
_LEAVE_SECONDS = 0.5
# How long the service may take to keep what came of a body that broke off.
_KEEP_SECONDS = 30.0
_BROKEN_OFF = (ClientGone, Refusal, asyncio.CancelledError)


class UploadEndpoint:
    """Streams a file through: what the service does not take yet is not read from the client."""

    def __init__(self, route: Route, codec: Codec, call: Any, limits: Limits) -> None:
        upload = route.rpc.GetOptions().Extensions[options_pb2.upload]
        self._binder = Binder(route, codec)
        self._body, self._file_name, self._raw = upload.body, upload.file_name, upload.raw
        # By which numbers of fields the bytes are found in a message.
        body = route.rpc.input_type.fields_by_name[upload.body].number
        self._data = body, HttpBody.DATA_FIELD_NUMBER
        self._codec = codec
        self._call = call
        self._limit = limits.upload_bytes
        self._seconds = limits.call_seconds
        self._write = codec.writer(route.rpc.output_type, route.response_body)

    async def __call__(self, exchange: Exchange, segments: Sequence[str]) -> None:
        """Send the file and answer. Whatever breaks the request off cancels the RPC.

        Of a raw upload the service gets, before that, all that came, and the time to keep it.
        """
        if (exchange.declared_length() or 0) > self._limit + _ENVELOPE_BYTES:
            raise too_large(self._limit)
        request = self._binder.new()
        metadata = self._binder.bind(exchange, segments, request)
        call = self._call(metadata=metadata) if exchange.awaits_leave() else None
        try:
            if call is not None and await _ends_early(call):
                await call
            part, chunks = await self._open(exchange)
            if self._file_name:
                setattr(request, self._file_name, part.name)
            getattr(request, self._body).content_type = part.content_type
            call = call or self._call(metadata=metadata)
            file = blocks(chunks, self._limit, to_the_end=self._raw)
            await self._send(call, request, file)
            response = await self._response(call, exchange)
            status, headers = answer_head(await call.initial_metadata())
        except grpc.aio.AioRpcError as error:
            raise self._binder.refusal(error, request) from error
        finally:
            if call is not None:
                call.cancel()
        await exchange.answer(status, self._write(response), headers)

    async def _response(self, call: Any, exchange: Exchange) -> Message:
        try:
            with exchange.while_connected():
                async with asyncio.timeout(self._seconds):
                    response: Message = await call
        except TimeoutError:
            raise too_slow() from None
        return response

    async def _open(self, exchange: Exchange) -> tuple[FilePart, AsyncIterator[bytes]]:
        content_type = exchange.headers.get("content-type", "")
        if self._raw:
            return FilePart("", content_type), exchange.chunks()
        boundary = boundary_of(content_type)
        if boundary is not None:
            return await open_file(boundary, exchange.chunks())
        if self._codec.surface.raw_uploads:
            return FilePart("", content_type), exchange.chunks()
        message = "An upload is multipart/form-data with a boundary"
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        raise Refusal(status, "UnsupportedMediaTypeException", message)

    async def _send(self, call: Any, request: Message, file: AsyncIterator[bytes]) -> None:
        await call.wait_for_connection()
        try:
            await self._pass_on(call, request.SerializeToString())
            async for block in file:
                await self._pass_on(call, framed(self._data, block))
            # The contract's sign that the file is whole.
            await self._pass_on(call, b"")
        except grpc.aio.InternalError:
            # The service ended the call before the file's end; the caller reads what it says.
            return
        except _BROKEN_OFF:
            if self._raw:
                await asyncio.shield(_ended(call))
            raise
        await call.done_writing()

    async def _pass_on(self, call: Any, message: bytes) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await send_serialized(call, message)
        except TimeoutError:
            raise too_slow() from None


async def _ends_early(call: Any) -> bool:
    ending = asyncio.ensure_future(call.code())
    await asyncio.wait({ending}, timeout=_LEAVE_SECONDS)
    ended: bool = ending.done()
    ending.cancel()
    return ended


async def _ended(call: Any) -> None:
    """End the stream without the sign that the file is whole, and wait for what the service does.

    A call that is cancelled loses what is still on its way.
    """
    with suppress(asyncio.InvalidStateError, grpc.aio.BaseError):
        await call.done_writing()
        await asyncio.wait({asyncio.ensure_future(call.code())}, timeout=_KEEP_SECONDS)


async def blocks(
    chunks: AsyncIterator[bytes], limit: int, *, to_the_end: bool = False
) -> AsyncIterator[bytes]:
    """Yield the same bytes in pieces of CHUNK_BYTES. Raises a 413 Refusal above `limit` bytes.

    What `chunks` raises passes through, `to_the_end` after all that came before it.
    """
    held: list[bytes] = []
    total = size = 0
    try:
        async for chunk in chunks:
            total += len(chunk)
            if total > limit:
                raise too_large(limit)
            held.append(chunk)
            size += len(chunk)
            if size >= CHUNK_BYTES:
                whole = b"".join(held)
                size %= CHUNK_BYTES
                end = len(whole) - size
                held = [whole[end:]]
                for at in range(0, end, CHUNK_BYTES):
                    yield whole[at : at + CHUNK_BYTES]
    except _BROKEN_OFF:
        if to_the_end and size:
            yield b"".join(held)
        raise
    if size:
        yield b"".join(held)
