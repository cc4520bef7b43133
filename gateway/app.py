"""The ASGI application: finds who answers a request, and answers what nobody does."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import cached_property
from http import HTTPStatus
from typing import Any

import structlog
from google.protobuf.descriptor import FileDescriptor

from gateway.admission import Admission
from gateway.asyncapi import events_document
from gateway.channels import Channels
from gateway.codec import Codec
from gateway.docs import DocsPage
from gateway.downloads import DownloadEndpoint
from gateway.exchange import ClientGone, Exchange, Receive, Scope, Send
from gateway.merged import MergedEndpoint
from gateway.openapi import document
from gateway.origins import ANY_ORIGIN, preflight_of_any
from gateway.problems import Refusal, broken
from gateway.routes import NoRoute, Route, RouteTable, routes_of
from gateway.streams import StreamEndpoint
from gateway.surface import Surface
from gateway.surfaces import surface_of
from gateway.transcode import HTTP_BODY, Endpoint, Limits, UnaryEndpoint
from gateway.uploads import UploadEndpoint
from services.chassis import telemetry
from services.chassis.writing import to_json
from vitascope.options.v1 import options_pb2

_READING = ("GET", "HEAD")
_OVERRIDING = ("PATCH", "DELETE")

log = structlog.stdlib.get_logger(__name__)


class Gateway:
    """REST/JSON in front of the RPCs of the given files; an ASGI application."""

    def __init__(
        self,
        files: Iterable[FileDescriptor],
        channels: Channels,
        limits: Limits,
        public_url: str,
        admission: Admission,
    ) -> None:
        """Raises ValueError for RPCs that cannot be served over HTTP as their options say."""
        self._files = list(files)
        self._channels = channels
        self._limits = limits
        self._public_url = public_url
        self._admission = admission
        self._codecs: dict[str, Codec] = {}
        self._endpoints = {route: self._endpoint(route) for route in routes_of(self._files)}
        self._table = RouteTable(self._endpoints)
        self._own: dict[str, Callable[[Exchange], Awaitable[None]]] = {
            "openapi.json": self._answer_openapi,
            "asyncapi.json": self._answer_asyncapi,
            "healthz": self._answer_health,
        }
        self._docs = DocsPage()
        self._running: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request. What is not HTTP is not served."""
        if scope["type"] != "http":
            raise ValueError(f"{scope['type']} is not served")
        exchange = Exchange(scope, receive, send)
        telemetry.set_request_id(exchange.request_id)
        started = time.perf_counter()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- coroutines run in tasks
        self._running.add(task)
        try:
            await self._answer(exchange)
        except ClientGone:
            exchange.gone = True
        except asyncio.CancelledError:
            # There is nobody to tell, and an exception would only fill the log.
            if not exchange.gone:
                raise
        finally:
            self._running.discard(task)
            log.info(
                "request",
                method=exchange.method,
                path=exchange.shown_path,
                client=exchange.client,
                status=exchange.status,
                client_left=exchange.gone,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            )

    def end_streams(self) -> None:
        """End the answers that last as long as there is something to tell; each says so."""
        for endpoint in self._endpoints.values():
            if isinstance(endpoint, StreamEndpoint):
                endpoint.end()

    def abort(self) -> None:
        """Break off every request that is still being answered."""
        for task in self._running:
            task.cancel()

    async def _answer(self, exchange: Exchange) -> None:
        try:
            await self._dispatch(exchange)
        except Refusal as refusal:
            await self._refuse(exchange, refusal)
        except ClientGone:
            raise
        except Exception as error:
            if exchange.status is not None:
                # Half an answer is out: only a broken connection says that it is not whole.
                log.warning("answer broken off", path=exchange.shown_path, error=str(error))
                raise
            log.exception("request failed", method=exchange.method, path=exchange.shown_path)
            await self._refuse(exchange, broken())

    async def _refuse(self, exchange: Exchange, refusal: Refusal) -> None:
        surface = surface_of(exchange.segments)
        if refusal.status == HTTPStatus.UNAUTHORIZED:
            refusal.headers.setdefault("www-authenticate", surface.challenge)
        body = to_json(surface.error_body(refusal))
        await exchange.answer(refusal.status, body, refusal.headers)
        if refusal.status != HTTPStatus.REQUEST_TIMEOUT:
            await exchange.drain()

    async def _dispatch(self, exchange: Exchange) -> None:
        exchange.check_size()
        surface = surface_of(exchange.segments)
        await self._admission.receive(exchange, surface)
        found = self._table.find(_asked_method(exchange), exchange.segments)
        if exchange.method == "OPTIONS" and isinstance(found, NoRoute):
            await self._answer_options(exchange, surface)
            return
        if exchange.segments[:1] == ["docs"]:
            await self._docs(exchange)
            return
        own = self._own_of(exchange)
        if own is not None and exchange.method in _READING:
            await own(exchange)
            return
        if own is not None or isinstance(found, NoRoute):
            raise _refusal_of_no_route(exchange, self._allowed(exchange))
        route, segments = found
        if route.any_origin:
            exchange.headers_of_any_answer |= ANY_ORIGIN
        endpoint = self._endpoints[route]
        whole = None if isinstance(endpoint, UploadEndpoint) else self._limits.body_bytes
        await self._admission.verify(exchange, whole)
        await endpoint(exchange, segments)

    def _own_of(self, exchange: Exchange) -> Callable[[Exchange], Awaitable[None]] | None:
        return self._own.get(exchange.segments[0]) if len(exchange.segments) == 1 else None

    def _allowed(self, exchange: Exchange) -> tuple[str, ...]:
        """Return the methods that the path takes; none when nothing is there."""
        if exchange.segments[:1] == ["docs"] or self._own_of(exchange) is not None:
            return (*_READING, "OPTIONS")
        methods = self._table.methods(exchange.segments)
        others = [each for each in methods if each != "OPTIONS"]
        return (*others, "OPTIONS") if methods else ()

    async def _answer_options(self, exchange: Exchange, surface: Surface) -> None:
        # A lone `*` asks about the server as a whole.
        allowed = ("OPTIONS",) if exchange.path == "*" else self._allowed(exchange)
        if not allowed:
            raise _refusal_of_no_route(exchange, ())
        headers = {"allow": ", ".join(allowed)}
        if self._lets_any_in(exchange):
            headers |= preflight_of_any(allowed)
        elif surface.cross_origin:
            headers |= await self._admission.preflight(exchange, allowed)
        await exchange.answer(HTTPStatus.NO_CONTENT, b"", headers)

    def _lets_any_in(self, exchange: Exchange) -> bool:
        """Whether the request that a page wants to send may come from any."""
        method = exchange.headers.get("access-control-request-method", "")
        found = self._table.find(method, exchange.segments)
        return not isinstance(found, NoRoute) and found[0].any_origin

    def _endpoint(self, route: Route) -> Endpoint:
        rpc = route.rpc
        codec = self._codec(surface_of(route.template.segments))
        call = self._channels.callable(rpc)
        if not (rpc.client_streaming or rpc.server_streaming):
            return UnaryEndpoint(route, codec, call, self._limits)
        if not rpc.client_streaming and rpc.output_type.full_name == HTTP_BODY:
            return DownloadEndpoint(route, codec, call, self._limits)
        if not rpc.client_streaming and rpc.GetOptions().Extensions[options_pb2.merged]:
            return MergedEndpoint(route, codec, call, self._limits)
        if not rpc.client_streaming:
            return StreamEndpoint(route, codec, call, self._limits)
        if not rpc.server_streaming and rpc.GetOptions().HasExtension(options_pb2.upload):
            return UploadEndpoint(route, codec, call, self._limits)
        raise ValueError(f"{rpc.full_name} streams in a way that HTTP cannot carry")

    def _codec(self, surface: Surface) -> Codec:
        return self._codecs.setdefault(surface.name, Codec(surface))

    @cached_property
    def _openapi(self) -> bytes:
        return to_json(document(self._files, self._endpoints, self._public_url))

    @cached_property
    def _asyncapi(self) -> bytes:
        return to_json(events_document(self._files))

    async def _answer_openapi(self, exchange: Exchange) -> None:
        await exchange.answer(HTTPStatus.OK, self._openapi)

    async def _answer_asyncapi(self, exchange: Exchange) -> None:
        await exchange.answer(HTTPStatus.OK, self._asyncapi)

    async def _answer_health(self, exchange: Exchange) -> None:
        health = await self._channels.health()
        well = all(status == "SERVING" for status in health.values())
        status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
        await exchange.answer(status, to_json(health), {"cache-control": "no-store"})


def _asked_method(exchange: Exchange) -> str:
    """The method that is meant: some networks let none through but GET and POST."""
    instead = exchange.headers.get("x-http-method-override", "").upper()
    return instead if exchange.method == "POST" and instead in _OVERRIDING else exchange.method


def _refusal_of_no_route(exchange: Exchange, methods: tuple[str, ...]) -> Refusal:
    if not methods:
        message = f"There is nothing at {exchange.path}"
        return Refusal(HTTPStatus.NOT_FOUND, "NotFoundException", message)
    allowed = ", ".join(methods)
    message = f"{exchange.path} takes {allowed}, not {exchange.method}"
    status = HTTPStatus.METHOD_NOT_ALLOWED
    return Refusal(status, "MethodNotAllowedException", message, headers={"allow": allowed})
