"""Messages of google.protobuf with a JSON form of their own, read from JSON."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.scalars import Mismatch, number, text


def _value(json: Any, value: Value) -> None:
    if json is None:
        value.null_value = 0  # type: ignore[assignment]
    elif isinstance(json, bool):
        value.bool_value = json
    elif isinstance(json, str):
        value.string_value = text(json)
    elif isinstance(json, list):
        value.list_value.SetInParent()
        _list(json, value.list_value)
    elif isinstance(json, dict):
        value.struct_value.SetInParent()
        _struct(json, value.struct_value)
    else:
        value.number_value = number(json)


def _struct(json: Any, struct: Struct) -> None:
    if not isinstance(json, dict):
        raise Mismatch("must be an object")
    for key, item in json.items():
        try:
            _value(item, struct.fields[text(key)])
        except Mismatch as mismatch:
            raise mismatch.inside(key) from None


def _list(json: Any, values: ListValue) -> None:
    if not isinstance(json, list):
        raise Mismatch("must be a list")
    for index, item in enumerate(json):
        try:
            _value(item, values.values.add())
        except Mismatch as mismatch:
            raise mismatch.inside(index) from None


def _timestamp(json: Any, timestamp: Timestamp) -> None:
    """Read ISO 8601; a time without an offset is UTC, as both surfaces write it."""
    expected = Mismatch("must be a time in ISO 8601")
    if not isinstance(json, str):
        raise expected
    try:
        time = datetime.fromisoformat(json)
        timestamp.FromDatetime(time if time.tzinfo else time.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise expected from None


def _duration(json: Any, duration: Duration) -> None:
    expected = Mismatch("must be seconds with an s behind them, for example 1.5s")
    if not isinstance(json, str):
        raise expected
    try:
        duration.FromJsonString(json)
    except ValueError:
        raise expected from None


def storable(json: Any) -> Any:
    """Return JSON with U+FFFD for each character that protobuf and databases cannot hold."""
    match json:
        case str():
            return _UNSTORABLE.sub("\ufffd", json)
        case list():
            return [storable(item) for item in json]
        case dict():
            return {storable(key): storable(item) for key, item in json.items()}
        case _:
            return json


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

# By full name: what fills a message of that type from its JSON value, raising Mismatch.
READERS: Mapping[str, Callable[[Any, Any], None]] = {
    "google.protobuf.Value": _value,
    "google.protobuf.Struct": _struct,
    "google.protobuf.ListValue": _list,
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
}
