"""The OpenAPI 3.1 document of everything the gateway routes, out of the descriptors."""

from collections import Counter
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from google.protobuf.descriptor import FileDescriptor

from gateway.comments import comments
from gateway.parameters import header_of, leaves, query_leaves
from gateway.routes import Route
from gateway.schemas import Schema, Schemas, task_kinds
from gateway.surface import Surface
from gateway.surfaces import surface_of
from gateway.surfaces.tasks import TASKS
from gateway.surfaces.video import VIDEO
from gateway.templates import Template
from gateway.transcode import HTTP_BODY
from vitascope.options.v1 import options_pb2

_SECURITY_SCHEMES: dict[str, Schema] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of GET /accounts/v1/token.",
    },
    "basic": {"type": "http", "scheme": "basic", "description": "E-mail address and password."},
    "secret": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Secret KEY`, or `secret` in the body or, for GET, in the query.",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Api-Key KEY`, or `api_key` in the body; with a listed `Referer`.",
    },
}
# By the scope that an RPC needs: which credentials grant it.
_SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "public": [],
    "login": [{"basic": []}, {"bearer": []}],
    "tasks": [{"secret": []}, {"apiKey": []}],
}
# OpenAPI 3.1 has no place for other methods.
_METHODS = {"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}
_BEARER: list[dict[str, list[str]]] = [{"bearer": []}]


def document(files: Iterable[FileDescriptor], routes: Iterable[Route], public_url: str) -> Schema:
    """Return the document; `files` hold the task kinds, `public_url` is where it is served."""
    components: dict[str, Schema] = {}
    kinds = task_kinds(files)
    schemas = {each.name: Schemas(each, kinds, components) for each in (VIDEO, TASKS)}
    paths: dict[str, Schema] = {}
    tags: dict[str, Schema] = {}
    count: Counter[str] = Counter()
    for route in routes:
        if route.http_method not in _METHODS:
            continue
        service = route.rpc.containing_service.full_name
        tags.setdefault(service, {"name": _short(service), "description": _said(service)})
        surface = surface_of(route.template.segments)
        operation = _Operation(route, surface, schemas[surface.name]).written()
        count[route.rpc.full_name] += 1
        operation["operationId"] = f"{_short(route.rpc.full_name)}.{count[route.rpc.full_name]}"
        operations = paths.setdefault(openapi_path(route.template), {})
        operations[route.http_method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vitascope",
            "version": "1",
            "description": "The Video API and the Tasks API.",
        },
        "servers": [{"url": public_url}],
        "tags": list(tags.values()),
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {_error_name(each): _error_response(each) for each in (VIDEO, TASKS)},
            "securitySchemes": _SECURITY_SCHEMES,
        },
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


class _Operation:
    def __init__(self, route: Route, surface: Surface, schemas: Schemas) -> None:
        self._route = route
        self._rpc = route.rpc
        self._surface = surface
        self._schemas = schemas
        self._options = route.rpc.GetOptions()

    def written(self) -> Schema:
        """Return the operation object."""
        said = _said(self._rpc.full_name)
        summary, _, rest = said.partition(". ")
        operation: Schema = {
            "tags": [_short(self._rpc.containing_service.full_name)],
            "summary": summary.rstrip("."),
            "security": self._security(),
            "responses": self._responses(),
        }
        if rest:
            operation["description"] = rest
        if parameters := self._parameters():
            operation["parameters"] = parameters
        if body := self._body():
            operation["requestBody"] = body
        return operation

    def _security(self) -> list[dict[str, list[str]]]:
        return _SECURITY.get(self._options.Extensions[options_pb2.scope], _BEARER)

    def _parameters(self) -> list[Schema]:
        route, request = self._route, self._rpc.input_type
        by_path = {leaf.path: leaf for leaf in leaves(request)}
        found = [
            self._parameter(".".join(variable.path), "path", by_path[variable.path].field)
            for variable in route.template.variables
        ]
        if route.body != "*" and not self._rpc.client_streaming:
            queried = query_leaves(request, route.template, route.body)
            found += [self._parameter(leaf.name, "query", leaf.field) for leaf in queried]
        for field in request.fields:
            if header := header_of(field):
                found.append(self._parameter(header, "header", field))
        return found

    def _parameter(self, name: str, location: str, field: Any) -> Schema:
        schema = self._schemas.field(field, request=True)
        said = schema.pop("description", "")
        required = {"required": True} if location == "path" else {}
        return {"name": name, "in": location, "description": said, "schema": schema, **required}

    def _body(self) -> Schema | None:
        request, body = self._rpc.input_type, self._route.body
        if self._rpc.client_streaming:
            return self._upload_body()
        if not body:
            return None
        if body == "*":
            schema = self._schemas.message(request, request=True)
        else:
            schema = self._schemas.field(request.fields_by_name[body], request=True)
        return {"content": {"application/json": {"schema": schema}}}

    def _upload_body(self) -> Schema:
        file = {"type": "string", "contentMediaType": "application/octet-stream"}
        form = {"type": "object", "properties": {"file": file}, "required": ["file"]}
        content: Schema = {"multipart/form-data": {"schema": form}}
        if self._surface.raw_uploads:
            content["*/*"] = {}
        return {"required": True, "content": content}

    def _responses(self) -> Schema:
        answer = self._rpc.output_type
        error = {"$ref": f"#/components/responses/{_error_name(self._surface)}"}
        responses: Schema = {"200": {"description": _said(answer.full_name) or "Done."}}
        responses["200"]["content"] = self._content()
        if any(header_of(field) == "range" for field in self._rpc.input_type.fields):
            responses["206"] = {"description": "The range asked for.", "content": {"*/*": {}}}
            responses["304"] = {"description": "The client has it already."}
        for status in self._errors():
            responses[str(int(status))] = error
        responses["default"] = error
        return responses

    def _content(self) -> Schema:
        answer = self._rpc.output_type
        if answer.full_name == HTTP_BODY:
            return {"*/*": {}}
        if self._route.response_body:
            field = answer.fields_by_name[self._route.response_body]
            schema = self._schemas.field(field, request=False)
        else:
            schema = self._schemas.message(answer, request=False)
        kind = "application/x-ndjson" if self._rpc.server_streaming else "application/json"
        return {kind: {"schema": schema}}

    def _errors(self) -> list[HTTPStatus]:
        statuses = [HTTPStatus.BAD_REQUEST]
        if self._security():
            statuses.append(HTTPStatus.UNAUTHORIZED)
        if self._route.template.variables:
            statuses.append(HTTPStatus.NOT_FOUND)
        if self._route.body:
            statuses.append(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if self._rpc.client_streaming and not self._surface.raw_uploads:
            statuses.append(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        return [*statuses, HTTPStatus.SERVICE_UNAVAILABLE]


def _error_name(surface: Surface) -> str:
    return f"{surface.name}Error"


def _error_response(surface: Surface) -> Schema:
    schema = dict(surface.error_schema)
    content = {"application/json": {"schema": schema}}
    return {"description": "The request failed.", "content": content}


def _short(name: str) -> str:
    return name.removeprefix("vitascope.")


def _said(name: str) -> str:
    return comments().get(name, "")
