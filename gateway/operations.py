"""One operation of the OpenAPI document: what it takes, and who may call it."""

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from gateway.answers import answers, said, scope_of
from gateway.examples import example_of
from gateway.kinds import Schema
from gateway.parameters import MAX_PARAMETERS, header_of, leaves, query_leaves
from gateway.routes import Route
from gateway.schemas import Schemas, is_needed
from gateway.surface import Surface
from gateway.templates import Template
from vitascope.options.v1 import options_pb2

_HEADER: Schema = {"type": "apiKey", "in": "header", "name": "Authorization"}
SECURITY_SCHEMES: Mapping[str, Schema] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of `GET /accounts/v1/token`.",
    },
    "basic": {"type": "http", "scheme": "basic", "description": "E-mail address and password."},
    "signature": {
        **_HEADER,
        "description": "`Signature keyId=USER, ts=UNIX_SECONDS, sig=HEX`: HMAC-SHA256 with "
        "the `apiRequestSignatureSecret` over the lines `ts`, method, path with query, and hex "
        "SHA-256 of the body. An upload says the last one in `X-Content-SHA256` too.",
    },
    "secret": {
        **_HEADER,
        "description": "`Secret KEY`; or `secret` in the body. For server to server calls.",
    },
    "apiKey": {
        **_HEADER,
        "description": "`Api-Key KEY`, or `api_key` in the body; with a listed `Referer`.",
    },
}
# Headers that every client sends of its own accord.
_OF_HTTP = ("Content-Length",)
# By the scope that an RPC needs: which credentials grant it.
_SECURITY: Mapping[str, list[str]] = {
    "public": [],
    "login": ["basic", "bearer", "signature"],
    "tasks": ["secret", "apiKey"],
}
_USER = ["bearer", "signature"]
_DIGEST: Schema = {
    "name": "X-Content-SHA256",
    "in": "header",
    "description": "The SHA-256 of the body, hexadecimal; needed in a signed upload.",
    "schema": {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"},
}


def openapi_path(template: Template) -> str:
    """Return the path with `{a.b}` for a variable, whatever it spans."""
    parts: list[str] = []
    position = 0
    for variable in template.variables:
        parts += template.segments[position : variable.start]
        parts.append("{" + ".".join(variable.path) + "}")
        position = len(template.segments) if variable.end is None else variable.end
    parts += template.segments[position:]
    return "/" + "/".join(parts) + (f":{template.verb}" if template.verb else "")


def operation(route: Route, surface: Surface, schemas: Schemas, *, head: bool) -> Schema:
    """Return the operation object; `head` describes the HEAD of a GET."""
    example = example_of(f"{route.http_method} {openapi_path(route.template)}")
    summary, _, rest = said(route.rpc.full_name, surface).partition(". ")
    written: Schema = {
        "summary": f"{summary.rstrip('.')}{', without the bytes' if head else ''}",
        "security": [{each: []} for each in _credentials(route)],
        "responses": answers(route, surface, schemas, example.get("response"), head=head),
    }
    if rest:
        written["description"] = rest
    examples = example.get("parameters", {})
    if parameters := list(_parameters(route, schemas, examples)):
        written["parameters"] = parameters
    if body := _body(route, surface, schemas, example):
        written["requestBody"] = body
    return written


def _credentials(route: Route) -> list[str]:
    return _SECURITY.get(scope_of(route.rpc), _USER)


def _parameters(route: Route, schemas: Schemas, examples: Mapping[str, Any]) -> Iterator[Schema]:
    request = route.rpc.input_type
    by_path = {leaf.path: leaf.field for leaf in leaves(request)}
    found = [(".".join(each.path), "path", by_path[each.path]) for each in route.template.variables]
    if route.body != "*" and not route.rpc.client_streaming:
        queried = query_leaves(request, route.template, route.body)
        found += [(leaf.name, "query", leaf.field) for leaf in queried]
    headed = ((header_of(field).title(), "header", field) for field in request.fields)
    found += [each for each in headed if each[0] and each[0] not in _OF_HTTP]
    for name, location, field in found:
        parameter = _parameter(schemas, name, location, field)
        yield parameter | ({"example": examples[name]} if name in examples else {})
    if route.rpc.client_streaming and "signature" in _credentials(route):
        yield _DIGEST


def _parameter(schemas: Schemas, name: str, location: str, field: FieldDescriptor) -> Schema:
    schema = schemas.parameter(field)
    text = schema.pop("description", "")
    required = {"required": True} if location == "path" or is_needed(field) else {}
    if location == "path":
        schema["minLength"] = 1
    elif location == "query" and field.is_repeated:
        schema["maxItems"] = min(schema.get("maxItems", MAX_PARAMETERS), MAX_PARAMETERS)
    return {"name": name, "in": location, "description": text, "schema": schema, **required}


def _body(
    route: Route, surface: Surface, schemas: Schemas, example: Mapping[str, Any]
) -> Schema | None:
    request = route.rpc.input_type
    if route.rpc.client_streaming:
        raw = route.rpc.GetOptions().Extensions[options_pb2.upload].raw
        return {"content": {"*/*": {}}} if raw else _upload_body(surface)
    if not route.body:
        return None
    if route.body == "*":
        taken = {each.path[0] for each in route.template.variables}
        taken |= {field.name for field in request.fields if header_of(field)}
        schema = schemas.body(request, taken)
    else:
        schema = schemas.field(request.fields_by_name[route.body], request=True)
    content = {"schema": schema}
    if "request" in example:
        content["example"] = example["request"]
    return {"content": {"application/json": content}}


def _upload_body(surface: Surface) -> Schema:
    file = {
        "type": "string",
        "format": "binary",
        "contentMediaType": "application/octet-stream",
        "description": "The file, with its name and type.",
    }
    form = {"type": "object", "properties": {"file": file}, "required": ["file"]}
    content: Schema = {"multipart/form-data": {"schema": form}}
    if surface.raw_uploads:
        content["*/*"] = {}
    return {"required": True, "content": content}
