"""Server-streaming RPCs of messages as newline-delimited JSON."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc

from gateway.codec import Codec, written
from gateway.exchange import Exchange
from gateway.httpmeta import answer_head
from gateway.problems import Refusal, cut_off, too_slow
from gateway.routes import Route
from gateway.transcode import Binder, Limits
from services.chassis.writing import to_json

_KEEP_ALIVE_SECONDS = 15.0
# Whoever is between us and the client passes lines on as they come, as they are.
_HEADERS = {
    "content-type": "application/x-ndjson",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
}


class StreamEndpoint:
    """Writes each message as one line, as soon as it is there, and empty lines while none comes."""

    def __init__(self, route: Route, codec: Codec, call: Any, limits: Limits) -> None:
        self._binder = Binder(route, codec)
        self._codec = codec
        self._call = call
        self._limits = limits
        self._write = codec.writer(route.rpc.output_type, route.response_body)
        self._reading: set[asyncio.Task[Any]] = set()
        self._ending = False

    async def __call__(self, exchange: Exchange, segments: Sequence[str]) -> None:
        """Stream the answer; a failure after its first line becomes its last line."""
        limit = self._limits.body_bytes
        request, metadata = await self._binder.read(exchange, segments, limit)
        with exchange.while_connected():
            call = self._call(request, metadata=metadata)
            try:
                await self._pass_on(call, exchange)
            except grpc.aio.AioRpcError as error:
                await self._refuse(exchange, self._binder.refusal(error, request))
            except Refusal as refusal:
                await self._refuse(exchange, refusal)
            finally:
                call.cancel()

    def end(self) -> None:
        """End all streams, and those that come, with a line that says so: the gateway stops."""
        self._ending = True
        for reading in self._reading:
            reading.cancel()

    async def _pass_on(self, call: Any, exchange: Exchange) -> None:
        reading = self._read(call)
        try:
            message = await self._first(reading)
            status, headers = answer_head(await call.initial_metadata())
            await exchange.start(status, {**_HEADERS, **headers})
            while exchange.method != "HEAD" and message is not grpc.aio.EOF:
                await exchange.write(await written(self._write, message) + b"\n")
                reading = self._read(call)
                while not await _is_done(reading, _KEEP_ALIVE_SECONDS):
                    await exchange.write(b"\n")
                message = self._taken(reading)
            await exchange.write(b"", more=False)
        finally:
            reading.cancel()

    def _read(self, call: Any) -> "asyncio.Task[Any]":
        """Begin to read. A read that is broken off would end the call: it goes on meanwhile."""
        reading: asyncio.Task[Any] = asyncio.ensure_future(call.read())
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)
        if self._ending:
            reading.cancel()
        return reading

    async def _first(self, reading: "asyncio.Task[Any]") -> Any:
        if not await _is_done(reading, self._limits.call_seconds):
            raise too_slow()
        return self._taken(reading)

    def _taken(self, reading: "asyncio.Task[Any]") -> Any:
        """Return what was read. Raises what the call ended with, a Refusal when it was ended."""
        if reading.cancelled():
            raise cut_off()
        return reading.result()

    async def _refuse(self, exchange: Exchange, refusal: Refusal) -> None:
        if exchange.status is None:
            raise refusal
        line = to_json(self._codec.surface.error_body(refusal)) + b"\n"
        await exchange.write(line, more=False)


async def _is_done(reading: "asyncio.Task[Any]", seconds: float) -> bool:
    await asyncio.wait({reading}, timeout=seconds)
    return reading.done()
