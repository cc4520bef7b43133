"""HTTP requests to RPCs: binding by `google.api.http`, credentials, unary calls."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import grpc
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.codec import Codec, written
from gateway.exchange import Exchange
from gateway.httpmeta import answer_head
from gateway.parameters import header_binder, header_of, path_binder, query_binder, query_leaves
from gateway.problems import Refusal, refusal_of
from gateway.routes import Route
from vitascope.options.v1 import options_pb2

Metadata = tuple[tuple[str, str], ...]

HTTP_BODY = HttpBody.DESCRIPTOR.full_name
_PASSED_ON = ("referer", "traceparent", "tracestate", "authorization")
_HEADER_LIMIT = 4096
# A field with the `secret` option becomes this scheme of the call's `authorization`.
_SCHEMES = {"secret": "Secret", "api_key": "Api-Key"}


class Endpoint(Protocol):
    """What answers the requests of one route. Raises Refusal, AioRpcError or ClientGone."""

    async def __call__(self, exchange: Exchange, segments: Sequence[str]) -> None:
        """Answer the request whose path has these percent-encoded segments."""


@dataclass(frozen=True)
class Limits:
    """The largest JSON body and upload in bytes, and the time a unary call may take in seconds."""

    body_bytes: int
    upload_bytes: int
    call_seconds: float


class Binder:
    """Builds the request message and the call metadata of one route."""

    def __init__(self, route: Route, codec: Codec) -> None:
        """Raises ValueError for a rule that cannot be followed."""
        self.route = route
        self._statuses = codec.surface.statuses
        descriptor = route.rpc.input_type
        self._new = GetMessageClass(descriptor)
        self._body = None
        if route.body and not route.rpc.client_streaming:
            self._body = codec.body_reader(descriptor, route.body)
        self._path = path_binder(codec, descriptor, route.template)
        self._headers = header_binder(codec, descriptor)
        self._query = None
        # Some networks drop the body of a DELETE: what it may say can be said in the query, too.
        if route.body != "*" or route.http_method == "DELETE":
            by_query = query_leaves(descriptor, route.template, route.body)
            self._query = query_binder(codec, descriptor, by_query)
        self._secrets = [_secret(field) for field in descriptor.fields if _is_secret(field)]

    def new(self) -> Message:
        """Return an empty request message."""
        message: Message = self._new()
        return message

    async def read(
        self, exchange: Exchange, segments: Sequence[str], body_bytes: int
    ) -> tuple[Message, Metadata]:
        """Return the request, its body included, and the call's metadata.

        Raises ClientGone, and a Refusal, 413 for a body of more than `body_bytes`.
        """
        request = self.new()
        if self._body is not None:
            self._body(await exchange.body(body_bytes), request)
        return request, self.bind(exchange, segments, request)

    def bind(self, exchange: Exchange, segments: Sequence[str], request: Message) -> Metadata:
        """Fill all of the request but its body; return the call's metadata. Raises Refusal."""
        self._path(segments, request)
        if self._query is not None and exchange.query:
            self._query(exchange.query, request)
        self._headers(exchange, request)
        return self._metadata(exchange, request)

    def _metadata(self, exchange: Exchange, request: Message) -> Metadata:
        headers = exchange.headers
        found = {"x-request-id": exchange.request_id, "x-client-address": exchange.client}
        found |= {name: headers[name] for name in _PASSED_ON if name in headers}
        for name, scheme in self._secrets:
            value = getattr(request, name)
            request.ClearField(name)
            if value:
                found["authorization"] = f"{scheme} {value}"
        if max(map(len, found.values())) > _HEADER_LIMIT:
            message = f"A header or a credential is longer than {_HEADER_LIMIT} bytes"
            raise Refusal(431, "BadRequestException", message)
        return tuple([(name, _printable(value)) for name, value in found.items()])

    def refusal(self, error: grpc.aio.AioRpcError, request: Message) -> Refusal:
        """Return the failed call's refusal, which says where in the request its fields stand."""
        refusal = refusal_of(error, self._statuses)
        by_name = {
            name: field
            for field in request.DESCRIPTOR.fields
            for name in (field.name, field.json_name)
        }
        violations, absent = [], set()
        for violation in refusal.violations:
            field = by_name.get(violation.field.partition(".")[0].partition("[")[0])
            if field is not None:
                if violation.location == "body":
                    violation = replace(violation, location=self._location(field))
                if not _is_set(request, field):
                    absent.add(violation.field)
            violations.append(violation)
        refusal.violations = tuple(violations)
        refusal.absent = frozenset(absent)
        return refusal

    def _location(self, field: Any) -> str:
        if any(variable.path[0] == field.name for variable in self.route.template.variables):
            return "path"
        if header_of(field):
            return "header"
        return "body" if self.route.body in ("*", field.name) else "query"


class UnaryEndpoint:
    """Answers with one response message: as JSON, or as it is when it is an HttpBody."""

    def __init__(self, route: Route, codec: Codec, call: Any, limits: Limits) -> None:
        rpc = route.rpc
        self._binder = Binder(route, codec)
        self._call = call
        self._limits = limits
        self._raw = rpc.output_type.full_name == HTTP_BODY
        self._write = None if self._raw else codec.writer(rpc.output_type, route.response_body)

    async def __call__(self, exchange: Exchange, segments: Sequence[str]) -> None:
        """Call the RPC and answer, or stop calling when the client leaves."""
        limit = self._limits.body_bytes
        request, metadata = await self._binder.read(exchange, segments, limit)
        with exchange.while_connected():
            call = self._call(request, metadata=metadata, timeout=self._limits.call_seconds)
            try:
                response = await call
                status, headers = answer_head(await call.initial_metadata())
            except grpc.aio.AioRpcError as error:
                raise self._binder.refusal(error, request) from error
            if self._write is not None:
                await exchange.answer(status, await written(self._write, response), headers)
            else:
                kind = {"content-type": response.content_type}
                await exchange.answer(status, response.data, {**kind, **headers})


def _is_secret(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[options_pb2.secret])


def _secret(field: FieldDescriptor) -> tuple[str, str]:
    if field.name not in _SCHEMES:
        raise ValueError(f"{field.full_name} is a secret of no known credential scheme")
    return field.name, _SCHEMES[field.name]


def _is_set(request: Message, field: Any) -> bool:
    return any(listed is field or listed.name == field.name for listed, _ in request.ListFields())


def _printable(value: str) -> str:
    # gRPC refuses other characters; a credential with such can only be wrong, and stays wrong.
    if not (value.isascii() and value.isprintable()):
        value = "".join(each if " " <= each <= "~" else "?" for each in value)
    return value.strip()
