"""Messages as JSON, as the REST surfaces document them: one closure a message type, made once.

The gateway answers with it; a service that writes a body itself, such as a callback's, writes the
same bytes.
"""

import base64
import json
import math
import struct
from collections.abc import Callable
from datetime import UTC
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from vitascope.options.v1 import options_pb2

Write = Callable[[Any], Any]
_Step = Callable[[Message, dict[str, Any]], None]

# Beyond this a double no longer holds every integer.
_EXACT = 2**53
_FLOAT32 = struct.Struct("<f")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_json(value: Any) -> bytes:
    """Return compact JSON in UTF-8."""
    return _encode(value).encode()


def iso_time(time: Timestamp) -> str:
    """Return ISO 8601 with microseconds and the offset +00:00, as the Tasks API documents it."""
    return time.ToDatetime(UTC).isoformat(timespec="microseconds")


class Writer:
    """Compiles writers by the conventions of one surface; its times are as `write_time` has them.

    Fields without presence are always written, others when set (`nullable` ones as null when not);
    64-bit integers are numbers; the keys of a `flatten` Struct stand beside the message's own; a
    `bare` message is the value of its one field.
    """

    def __init__(self, write_time: Callable[[Timestamp], str]) -> None:
        self._known: dict[str, Write] = {
            "google.protobuf.Timestamp": write_time,
            "google.protobuf.Duration": _duration,
            "google.protobuf.Value": _value,
            "google.protobuf.Struct": _struct,
            "google.protobuf.ListValue": _list,
        }

    def message(self, descriptor: Descriptor) -> Write:
        """Return a function from a message of this type to its JSON value."""
        known = self._known.get(descriptor.full_name)
        if known is not None:
            return known
        if descriptor.full_name.startswith("google.protobuf.") and descriptor.fields:
            raise ValueError(f"{descriptor.full_name} has no JSON form here")
        if descriptor.GetOptions().Extensions[options_pb2.bare]:
            return self._bare(descriptor)
        steps: list[_Step] = []

        def write(message: Message) -> dict[str, Any]:
            out: dict[str, Any] = {}
            for step in steps:
                step(message, out)
            return out

        # Known before its fields are compiled: a message may contain itself.
        self._known[descriptor.full_name] = write
        own_keys_last = sorted(descriptor.fields, key=lambda field: not _flattened(field))
        steps += [self._step(field) for field in own_keys_last]
        return write

    def field(self, field: FieldDescriptor) -> Write:
        """Return a function from a message to the JSON value of one of its fields."""
        name, value = field.name, self._value(field)
        return lambda message: value(getattr(message, name))

    def _bare(self, descriptor: Descriptor) -> Write:
        values = {field.name: self._value(field) for field in bare_fields(descriptor)}

        def write(message: Message) -> Any:
            name = message.WhichOneof(oneof) if oneof else only
            return None if name is None else values[name](getattr(message, name))

        only = next(iter(values))
        oneof = descriptor.oneofs[0].name if descriptor.oneofs else None
        return write

    def _step(self, field: FieldDescriptor) -> _Step:
        name, key, value = field.name, field.json_name, self._value(field)
        nullable = field.GetOptions().Extensions[options_pb2.nullable]

        def always(message: Message, out: dict[str, Any]) -> None:
            out[key] = value(getattr(message, name))

        def when_set(message: Message, out: dict[str, Any]) -> None:
            if message.HasField(name):
                out[key] = value(getattr(message, name))
            elif nullable:
                out[key] = None

        def flat(message: Message, out: dict[str, Any]) -> None:
            out.update(value(getattr(message, name)))

        if _flattened(field):
            return flat
        return when_set if field.has_presence else always

    def _value(self, field: FieldDescriptor) -> Write:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return self._map(field.message_type)
        one = self._single(field)
        if field.is_repeated:
            return lambda values: [one(value) for value in values]
        return one

    def _map(self, entry: Descriptor) -> Write:
        value = self._single(entry.fields_by_name["value"])
        is_bool = entry.fields_by_name["key"].type == FieldDescriptor.TYPE_BOOL
        key = (lambda key: str(key).lower()) if is_bool else str
        return lambda pairs: {key(name): value(pairs[name]) for name in pairs}

    def _single(self, field: FieldDescriptor) -> Write:
        if field.message_type is not None:
            return self.message(field.message_type)
        if field.enum_type is not None:
            names = {value.number: value.name for value in field.enum_type.values}
            return lambda number: names.get(number, number)
        return _SCALARS.get(field.type, _same)


def bare_fields(descriptor: Descriptor) -> list[FieldDescriptor]:
    """Return the fields of a `bare` message, one of which stands for it in JSON.

    Raises ValueError when neither there is but one nor are all of them in one oneof.
    """
    fields = list(descriptor.fields)
    in_one = len(descriptor.oneofs) == 1 and all(each.containing_oneof for each in fields)
    if in_one or (len(fields) == 1 and not descriptor.oneofs):
        return fields
    raise ValueError(f"{descriptor.full_name} cannot be bare: it has several fields at once")


def _flattened(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[options_pb2.flatten])


def _same(value: Any) -> Any:
    return value


def _double(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _float(value: float) -> float | str:
    if not math.isfinite(value):
        return _double(value)
    # The shortest decimal that names the same 32-bit float.
    shorter = (float(f"{value:.{digits}g}") for digits in range(6, 10))
    return next(each for each in shorter if _FLOAT32.unpack(_FLOAT32.pack(each))[0] == value)


def _bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


_SCALARS: dict[int, Write] = {
    FieldDescriptor.TYPE_DOUBLE: _double,
    FieldDescriptor.TYPE_FLOAT: _float,
    FieldDescriptor.TYPE_BYTES: _bytes,
}


def _duration(duration: Duration) -> str:
    return duration.ToJsonString()


def _value(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = value.number_value
        if not math.isfinite(number):
            return None
        return int(number) if number.is_integer() and abs(number) <= _EXACT else number
    if kind == "struct_value":
        return _struct(value.struct_value)
    if kind == "list_value":
        return _list(value.list_value)
    return None if kind in (None, "null_value") else getattr(value, kind)


def _struct(value: Struct) -> dict[str, Any]:
    # Protobuf keeps no order: the same message is to be the same bytes every time.
    return {name: _value(inner) for name, inner in sorted(value.fields.items())}


def _list(values: ListValue) -> list[Any]:
    return [_value(value) for value in values.values]
