"""Files out: server-streaming RPCs of `google.api.HttpBody` as plain HTTP bodies."""

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import grpc
from google.api.httpbody_pb2 import HttpBody

from gateway.codec import Codec
from gateway.exchange import Exchange
from gateway.httpmeta import answer_head, lent_file
from gateway.pacing import Pace
from gateway.problems import refusal_of, too_slow
from gateway.routes import Route
from gateway.transcode import Binder, Limits
from services.chassis.lending import LentFile

_UNKNOWN_TYPE = "application/octet-stream"


class DownloadEndpoint:
    """Passes the bytes on as they come, no faster than the client takes them.

    Those of a file that this process can read too, it takes from there: to receive them by gRPC is
    more work than all the rest.
    """

    def __init__(self, route: Route, codec: Codec, call: Any, limits: Limits) -> None:
        self._binder = Binder(route, codec)
        self._codec = codec
        self._call = call
        self._seconds = limits.call_seconds

    async def __call__(self, exchange: Exchange, segments: Sequence[str]) -> None:
        """Stream the answer. A failure in its middle breaks the connection off."""
        if exchange.method == "HEAD":
            # Ranges are of a GET only (RFC 9110, 14.2).
            exchange.headers.pop("range", None)
        request = self._binder.new()
        metadata = self._binder.bind(exchange, segments, request)
        with exchange.while_connected():
            call = self._call(request, metadata=metadata)
            try:
                first = await self._first(call)
                metadata = await call.initial_metadata()
                status, headers = answer_head(metadata)
                kind = {"content-type": (first and first.content_type) or _UNKNOWN_TYPE}
                await exchange.start(status, {**({} if status == 304 else kind), **headers})
                if exchange.method != "HEAD":
                    body = _body(call, first, lent_file(metadata))
                    await self._pass_on(body, exchange)
                await exchange.write(b"", more=False)
            finally:
                call.cancel()

    async def _first(self, call: Any) -> HttpBody | None:
        try:
            async with asyncio.timeout(self._seconds):
                first = await call.read()
        except TimeoutError:
            raise too_slow() from None
        except grpc.aio.AioRpcError as error:
            raise refusal_of(error, self._codec.surface.statuses) from error
        return None if first is grpc.aio.EOF else first

    async def _pass_on(self, body: AsyncGenerator[bytes, None], exchange: Exchange) -> None:
        pace = Pace()
        async with aclosing(body) as chunks:
            async for chunk in chunks:
                for piece in pace.cut(chunk):
                    await exchange.write(piece)


async def _body(
    call: Any, first: HttpBody | None, lent: LentFile | None
) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of an answer from the call, or from the file when it can be borrowed."""
    descriptor = None if lent is None else await asyncio.to_thread(lent.borrow)
    if lent is not None and descriptor is not None:
        call.cancel()
        try:
            async for chunk in lent.read(descriptor):
                yield chunk
        finally:
            os.close(descriptor)
        return
    message = first
    while message is not None and message is not grpc.aio.EOF:
        yield message.data
        message = await call.read()
