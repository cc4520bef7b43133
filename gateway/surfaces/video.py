"""The Video API: accounts, videos, media."""

from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.problems import Refusal
from gateway.surface import Surface

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def error_body(refusal: Refusal) -> dict[str, Any]:
    """Return the documented error object; its message names every field that is wrong."""
    message = refusal.message
    unnamed = [each for each in refusal.violations if each.field not in message]
    if unnamed:
        message = "; ".join(f"{each.field}: {each.description}" for each in refusal.violations)
    return {"exception": refusal.reason, "errorMessage": message}


def write_time(time: Timestamp) -> str:
    """Return the documented `YYYY-MM-DD hh:mm:ss`, UTC."""
    moment = _EPOCH + timedelta(seconds=time.seconds)
    return moment.isoformat(" ", "seconds").removesuffix("+00:00")


VIDEO = Surface(
    name="video",
    statuses={},
    refuses_unknown=True,
    raw_uploads=False,
    cross_origin=False,
    # Without Basic, though it gets tokens: it would make browsers ask their users for a password.
    challenge='Bearer realm="vitascope", Signature realm="vitascope"',
    write_time=write_time,
    time_schema={
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$",
        "examples": ["2026-11-22 06:11:19"],
    },
    error_body=error_body,
    error_schema={
        "type": "object",
        "description": "What went wrong.",
        "properties": {
            "exception": {"type": "string", "description": "The name that programs read."},
            "errorMessage": {"type": "string", "description": "The sentence that people read."},
        },
        "required": ["exception", "errorMessage"],
    },
)
