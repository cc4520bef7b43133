"""The answers of an operation in the OpenAPI document: contents, headers and refusals."""

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor

from gateway.examples import error_example
from gateway.kinds import Schema
from gateway.parameters import header_of
from gateway.problems import STATUSES
from gateway.routes import Route
from gateway.schemas import Schemas
from gateway.surface import Surface
from gateway.transcode import HTTP_BODY
from services.chassis.comments import comments
from vitascope.options.v1 import options_pb2

_CODE = re.compile(rf"\b({'|'.join(code.name for code in STATUSES)})\b")
_STATUS = re.compile(r"\bstatus ([1-5]\d\d)\b")
_MEANINGS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "Invalid request; the body says what is wrong.",
    HTTPStatus.UNAUTHORIZED: "Invalid credentials.",
    HTTPStatus.FORBIDDEN: "The caller may not do this.",
    HTTPStatus.NOT_FOUND: "There is no such thing, or none that the caller may know of.",
    HTTPStatus.CONFLICT: "The state of the thing does not allow it.",
    HTTPStatus.GONE: "It was there, and has expired.",
    HTTPStatus.PRECONDITION_FAILED: "A precondition of the request does not hold.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is of another type than is taken here.",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "All ranges begin behind the end.",
    HTTPStatus.LOCKED: "Another request goes on with it.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests; `Retry-After` says when to come back.",
    460: "The bytes have another checksum than was said.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The system is down for a while; retry later.",
}
_RATE = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_FILE = ("ETag", "Accept-Ranges", "Last-Modified", "Content-Disposition", "Cache-Control")
_MORE_HEADERS: Mapping[int, tuple[str, ...]] = {
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: ("Content-Range",),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After",),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
}
_NUMBER: Schema = {"type": "integer", "minimum": 0}
_TEXT: Schema = {"type": "string"}
HEADERS: Mapping[str, Schema] = {
    "Location": {"description": "Where it is.", "schema": _TEXT},
    "RateLimit-Limit": {"description": "Requests a minute; with a limit only.", "schema": _NUMBER},
    "RateLimit-Remaining": {"description": "Requests left; with a limit only.", "schema": _NUMBER},
    "RateLimit-Reset": {"description": "Seconds until all are back.", "schema": _NUMBER},
    "Retry-After": {"description": "Seconds to wait.", "schema": _NUMBER},
    "ETag": {"description": "Changes with the bytes; for `If-None-Match`.", "schema": _TEXT},
    "Accept-Ranges": {"description": "`bytes`.", "schema": _TEXT},
    "Content-Range": {"description": "The range, and the size of the file.", "schema": _TEXT},
    "Content-Disposition": {"description": "The name of the file.", "schema": _TEXT},
    "Last-Modified": {"description": "When the file was stored.", "schema": _TEXT},
    "Cache-Control": {"description": "How long the file may be kept.", "schema": _TEXT},
}


def said(name: str, surface: Surface) -> str:
    """Return a comment of the contract with HTTP statuses in place of gRPC codes."""
    statuses = _statuses(surface)
    return _CODE.sub(lambda code: str(statuses[code[1]]), comments().get(name, ""))


def error_schema_name(surface: Surface) -> str:
    """Return the name of the surface's error object among the components' schemas."""
    return f"{surface.name}.Error"


def refusals(surface: Surface) -> Iterator[tuple[str, Schema]]:
    """Yield the components' responses for what a surface refuses, by name."""
    yield f"{surface.name}.default", _refusal(surface, "The request failed.")
    for status, meaning in _MEANINGS.items():
        refusal = _refusal(surface, meaning)
        if headers := _MORE_HEADERS.get(status):
            refusal["headers"] = _headers(headers)
        if example := error_example(surface.name, status):
            refusal["content"]["application/json"]["example"] = example
        yield f"{surface.name}.{int(status)}", refusal


def answers(
    route: Route, surface: Surface, schemas: Schemas, example: Any, *, head: bool
) -> Schema:
    """Return the responses of an operation; `example` is the body of the good one, if any."""
    rpc = route.rpc
    is_file = rpc.output_type.full_name == HTTP_BODY
    limited = _RATE if scope_of(rpc) != "public" else ()
    names = (*limited, *(_FILE if is_file else ()))
    text = said(rpc.output_type.full_name, surface)
    good: Schema = {"description": "The file." if is_file else text, "headers": _headers(names)}
    success = next((each for each in _named(rpc) if each < HTTPStatus.BAD_REQUEST), 200)
    if success >= HTTPStatus.MULTIPLE_CHOICES:
        good["headers"] = _headers((*names, "Location", "Cache-Control"))
    bare = head or success == HTTPStatus.NO_CONTENT
    content = {} if bare else {"content": _content(route, schemas, example)}
    responses = {str(success): {**good, **content}}
    if is_file:
        headers = _headers((*names, "Content-Range"))
        ranged: Schema = {"description": "The range asked for.", "headers": headers}
        responses["206"] = {**ranged, **content}
        kept = _headers((*limited, "ETag", "Cache-Control"))
        responses["304"] = {"description": "The client has it already.", "headers": kept}
    own = _named(rpc) if rpc.output_type.GetOptions().Extensions[options_pb2.bare] else []
    for status in (*sorted(_expected(route, surface)), "default"):
        response: Schema = {"$ref": f"#/components/responses/{surface.name}.{status}"}
        if status in own:
            response = _either(route, surface, schemas)
        responses[str(status)] = response
    return responses


def scope_of(rpc: MethodDescriptor) -> str:
    """Return the scope that callers of an RPC need."""
    scope: str = rpc.GetOptions().Extensions[options_pb2.scope]
    return scope


def _content(route: Route, schemas: Schemas, example: Any) -> Schema:
    answer = route.rpc.output_type
    if answer.full_name == HTTP_BODY:
        return {"*/*": {}}
    if route.response_body:
        schema = schemas.field(answer.fields_by_name[route.response_body], request=False)
    else:
        schema = schemas.message(answer, request=False)
    lines = route.rpc.server_streaming and not route.rpc.GetOptions().Extensions[options_pb2.merged]
    kind = "application/x-ndjson" if lines else "application/json"
    return {kind: {"schema": schema, **({} if example is None else {"example": example})}}


def _either(route: Route, surface: Surface, schemas: Schemas) -> Schema:
    """A refusal in the usual form, or in the answer's own, which tells more."""
    usual = {"$ref": f"#/components/schemas/{error_schema_name(surface)}"}
    forms = [usual, schemas.message(route.rpc.output_type, request=False)]
    content = {"application/json": {"schema": {"anyOf": forms}}}
    return {"description": said(route.rpc.output_type.full_name, surface), "content": content}


def _expected(route: Route, surface: Surface) -> set[int]:
    """What a caller has to reckon with: by the kind of request, and by what the comments name."""
    rpc = route.rpc
    found: set[int] = {HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE}
    if scope_of(rpc) != "public":
        forbidden = _statuses(surface)[grpc.StatusCode.PERMISSION_DENIED.name]
        found |= {HTTPStatus.UNAUTHORIZED, HTTPStatus(forbidden), HTTPStatus.TOO_MANY_REQUESTS}
    if route.template.variables:
        found.add(HTTPStatus.NOT_FOUND)
    if route.body:
        found.add(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if rpc.client_streaming and not surface.raw_uploads:
        found.add(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    headers = {header_of(field) for field in rpc.input_type.fields}
    if "range" in headers:
        found.add(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
    if "if-match" in headers:
        found.add(HTTPStatus.PRECONDITION_FAILED)
    found |= {each for each in _named(rpc) if each >= HTTPStatus.BAD_REQUEST}
    codes = _CODE.findall(comments().get(rpc.full_name, ""))
    return found | {_statuses(surface)[code] for code in codes}


def _named(rpc: MethodDescriptor) -> list[int]:
    """The HTTP statuses that an RPC's comments name as such: `the status 201`."""
    return [int(each) for each in _STATUS.findall(comments().get(rpc.full_name, ""))]


def _statuses(surface: Surface) -> dict[str, int]:
    return {code.name: int(each) for code, each in {**STATUSES, **surface.statuses}.items()}


def _refusal(surface: Surface, meaning: str) -> Schema:
    schema = {"$ref": f"#/components/schemas/{error_schema_name(surface)}"}
    return {"description": meaning, "content": {"application/json": {"schema": schema}}}


def _headers(names: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
