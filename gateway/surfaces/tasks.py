"""The Tasks API, v1 and v2, and the files that its tasks make."""

from http import HTTPStatus
from typing import Any

import grpc

from gateway.problems import Refusal
from gateway.surface import Surface
from services.chassis.writing import iso_time

# What a problem without violations is about: the documents want a name and a location.
_SUBJECTS: dict[int, tuple[str, str]] = {
    HTTPStatus.UNAUTHORIZED: ("authorization", "header"),
    HTTPStatus.NOT_FOUND: ("path", "path"),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method", "path"),
    HTTPStatus.REQUEST_URI_TOO_LONG: ("path", "path"),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("service", "server"),
    HTTPStatus.SERVICE_UNAVAILABLE: ("service", "server"),
    HTTPStatus.GATEWAY_TIMEOUT: ("service", "server"),
}
_BODY = ("body", "body")


def error_body(refusal: Refusal) -> dict[str, Any]:
    """Return the documented error object with one entry a problem."""
    if not refusal.violations:
        name, location = _SUBJECTS.get(refusal.status, _BODY)
        errors = [{"name": name, "location": location, "description": refusal.message}]
    else:
        errors = [
            {
                "name": each.field,
                "location": each.location,
                "description": f"{each.field} is missing"
                if each.field in refusal.absent
                else each.description,
            }
            for each in refusal.violations
        ]
    return {"status": "error", "errors": errors}


_TEXT = {"type": "string"}

TASKS = Surface(
    name="tasks",
    statuses={
        grpc.StatusCode.PERMISSION_DENIED: HTTPStatus.UNAUTHORIZED,
        grpc.StatusCode.RESOURCE_EXHAUSTED: HTTPStatus.UNAUTHORIZED,
    },
    refuses_unknown=False,
    raw_uploads=True,
    cross_origin=True,
    challenge='Secret realm="vitascope", Api-Key realm="vitascope"',
    write_time=iso_time,
    time_schema={"type": "string", "format": "date-time"},
    error_body=error_body,
    error_schema={
        "type": "object",
        "description": "What went wrong.",
        "properties": {
            "status": {"const": "error"},
            "errors": {
                "type": "array",
                "description": "Each problem, with the place in the request that it is about.",
                "items": {
                    "type": "object",
                    "properties": {"name": _TEXT, "location": _TEXT, "description": _TEXT},
                    "required": ["name", "location", "description"],
                },
            },
        },
        "required": ["status", "errors"],
    },
)
