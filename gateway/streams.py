"""Server-streaming RPCs of messages as newline-delimited JSON."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc

from gateway.codec import Codec
from gateway.exchange import Exchange
from gateway.httpmeta import answer_head
from gateway.problems import too_slow
from gateway.routes import Route
from gateway.transcode import Binder, Limits
from services.chassis.writing import to_json


class StreamEndpoint:
    """Writes each message as one line, as soon as it is there."""

    def __init__(self, route: Route, codec: Codec, call: Any, limits: Limits) -> None:
        self._binder = Binder(route, codec)
        self._codec = codec
        self._call = call
        self._limits = limits
        self._write = codec.writer(route.rpc.output_type, route.response_body)

    async def __call__(self, exchange: Exchange, segments: Sequence[str]) -> None:
        """Stream the answer; a failure after its first line becomes its last line."""
        limit = self._limits.body_bytes
        request, metadata = await self._binder.read(exchange, segments, limit)
        with exchange.while_connected():
            call = self._call(request, metadata=metadata)
            try:
                await self._pass_on(call, exchange)
            except grpc.aio.AioRpcError as error:
                refusal = self._binder.refusal(error, request)
                if exchange.status is None:
                    raise refusal from error
                line = to_json(self._codec.surface.error_body(refusal)) + b"\n"
                await exchange.write(line, more=False)
            finally:
                call.cancel()

    async def _pass_on(self, call: Any, exchange: Exchange) -> None:
        try:
            async with asyncio.timeout(self._limits.call_seconds):
                message = await call.read()
        except TimeoutError:
            raise too_slow() from None
        status, headers = answer_head(await call.initial_metadata())
        await exchange.start(status, {"content-type": "application/x-ndjson", **headers})
        while exchange.method != "HEAD" and message is not grpc.aio.EOF:
            await exchange.write(self._write(message) + b"\n")
            message = await call.read()
        await exchange.write(b"", more=False)
