"""The OpenAPI 3.1 document of everything the gateway routes, out of the descriptors."""

import re
from collections.abc import Iterable

from google.protobuf.descriptor import FileDescriptor

from gateway.answers import HEADERS, error_schema_name, refusals, said
from gateway.kinds import Schema, catalogue
from gateway.operations import SECURITY_SCHEMES, openapi_path, operation
from gateway.routes import Route
from gateway.schemas import Schemas
from gateway.surface import Surface
from gateway.surfaces import surface_of
from gateway.surfaces.tasks import TASKS
from gateway.surfaces.video import VIDEO
from gateway.transcode import HTTP_BODY

_SURFACES = (VIDEO, TASKS)
_DESCRIPTION = """\
Two APIs in one place.

**Video API**: `GET /accounts/v1/token` with e-mail address and password gives a token for 15
minutes. With it make a project and a video, upload a file, ask for processing and download what
comes out.

**Tasks API**: with a secret or an API key queue tasks on files by URL, then follow them by their
keys.

Every answer has an `X-Request-Id`, the request's own if it gave one; the logs name it.
"""
# OpenAPI 3.1 has no place for other methods.
_METHODS = {"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}


def document(files: Iterable[FileDescriptor], routes: Iterable[Route], public_url: str) -> Schema:
    """Return the document; `files` hold the task kinds, `public_url` is where it is served."""
    components = {error_schema_name(each): dict(each.error_schema) for each in _SURFACES}
    described = catalogue(files)
    schemas = {each.name: Schemas(each, described, components) for each in _SURFACES}
    paths: dict[str, Schema] = {}
    tags: dict[str, Schema] = {}
    known: set[str] = set()
    for route in routes:
        if route.http_method not in _METHODS:
            continue
        surface = surface_of(route.template.segments)
        tag = _tag(route, surface)
        tags.setdefault(tag["name"], tag)
        operations = paths.setdefault(openapi_path(route.template), {})
        for method in _methods(route):
            written = operation(route, surface, schemas[surface.name], head=method == "HEAD")
            name = _operation_id(route, method, known)
            operations[method.lower()] = {
                "operationId": name,
                "tags": [tag["name"]],
                **written,
            }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Vitascope", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": public_url}],
        "tags": sorted(tags.values(), key=lambda tag: not tag["name"].startswith("Video")),
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": dict(HEADERS),
            "responses": {name: each for one in _SURFACES for name, each in refusals(one)},
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _methods(route: Route) -> tuple[str, ...]:
    is_file = route.rpc.output_type.full_name == HTTP_BODY
    return ("GET", "HEAD") if is_file and route.http_method == "GET" else (route.http_method,)


def _operation_id(route: Route, method: str, known: set[str]) -> str:
    """An RPC's first binding has its name; another also says how it is called."""
    name = f"{route.rpc.containing_service.file.package}.{route.rpc.name}".removeprefix(
        "vitascope."
    )
    words = re.findall(r"\w+", openapi_path(route.template))
    names = (name, f"{name}.head") if method == "HEAD" else (name,)
    longest = ".".join((name, method.lower(), *words))
    free = next((each for each in names if each not in known), longest)
    known.add(free)
    return free


def _tag(route: Route, surface: Surface) -> Schema:
    service = route.rpc.containing_service
    room, _, version = service.file.package.removeprefix("vitascope.").rpartition(".")
    name = f"{surface.name.capitalize()} API: {room} {version}"
    return {"name": name, "description": said(service.full_name, surface)}
