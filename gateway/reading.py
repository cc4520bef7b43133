"""JSON values into messages: one closure a field, put together once a message type."""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gateway.scalars import Mismatch, from_text, scalar_of
from gateway.structs import READERS, storable
from vitascope.options.v1 import options_pb2

# Takes the JSON value and fills the message that lies there.
Read = Callable[[Any, Any], None]
_Fill = Callable[[Message, Any], None]


class Reader:
    """Compiles readers that fill a message of one type from JSON.

    Keys are JSON names or proto names; null is as good as absent except for a `Value`; the keys
    that a message with a `flatten` Struct does not name go there, other unknown ones are refused
    or ignored. Readers raise Mismatch.
    """

    def __init__(self, *, refuses_unknown: bool) -> None:
        self._refuses_unknown = refuses_unknown
        self._known: dict[str, Read] = dict(READERS)

    def message(self, descriptor: Descriptor) -> Read:
        """Return a function that fills a message of this type from its JSON value."""
        known = self._known.get(descriptor.full_name)
        if known is not None:
            return known
        if descriptor.full_name.startswith("google.protobuf.") and descriptor.fields:
            raise ValueError(f"{descriptor.full_name} has no JSON form here")
        fills: dict[str, _Fill] = {}

        def read(value: Any, message: Message) -> None:
            if not isinstance(value, dict):
                raise Mismatch("must be an object")
            _fill_all(message, value, fills, unknown)

        # Known before its fields are compiled: a message may contain itself.
        self._known[descriptor.full_name] = read
        fills.update(self.fields(descriptor))
        unknown = self.unknown(descriptor)
        return read

    def fields(self, descriptor: Descriptor) -> Mapping[str, _Fill]:
        """Return what fills each field, by JSON and by proto name.

        A flattened one has no name, and one that a header fills is none of the body's.
        """
        fills: dict[str, _Fill] = {}
        takes_misfits = any(
            field.GetOptions().Extensions[options_pb2.takes_misfits] for field in descriptor.fields
        )
        for field in descriptor.fields:
            if not (_flattened(field) or _headed(field)):
                fill = self.field(field)
                if takes_misfits:
                    fill = _filling_or(self.unknown(descriptor), field.name, fill)
                fills[field.name] = fills[field.json_name] = fill
        return fills

    def unknown(self, descriptor: Descriptor) -> Callable[[Message, str, Any], None]:
        """Return what is done with a key that the message does not name."""
        flat = next((field for field in descriptor.fields if _flattened(field)), None)
        if flat is not None:
            return _keeping(flat)
        return _refuse if self._refuses_unknown else _ignore

    def field(self, field: FieldDescriptor) -> _Fill:
        """Return a function that fills one field of a message from a JSON value."""
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return self._map(field)
        fill = self._repeated(field) if field.is_repeated else self._single(field)
        takes_null = _takes_null(field)
        oneof = None if field.containing_oneof is None else field.containing_oneof.name

        def guarded(message: Message, value: Any) -> None:
            if value is None and not takes_null:
                return
            if oneof is not None and message.WhichOneof(oneof) is not None:
                raise Mismatch(f"cannot be given together with {message.WhichOneof(oneof)}")
            fill(message, value)

        return guarded

    def _single(self, field: FieldDescriptor) -> _Fill:
        name = field.name
        if field.message_type is None:
            scalar = scalar_of(field)
            return lambda message, value: setattr(message, name, scalar(value))
        read = self.message(field.message_type)

        def fill(message: Message, value: Any) -> None:
            inner = getattr(message, name)
            inner.SetInParent()
            read(value, inner)

        return fill

    def _repeated(self, field: FieldDescriptor) -> _Fill:
        name = field.name
        bare = field.GetOptions().Extensions[options_pb2.single_or_list]
        add = self._adder(field)

        def fill(message: Message, value: Any) -> None:
            if not isinstance(value, list):
                if not bare:
                    raise Mismatch("must be a list")
                value = [value]
            target = getattr(message, name)
            for index, item in enumerate(value):
                try:
                    add(target, item)
                except Mismatch as mismatch:
                    raise mismatch.inside(index) from None

        return fill

    def _adder(self, field: FieldDescriptor) -> Callable[[Any, Any], None]:
        if field.message_type is None:
            scalar = scalar_of(field)
            return lambda target, value: target.append(scalar(value))
        read = self.message(field.message_type)
        return lambda target, value: read(value, target.add())

    def _map(self, field: FieldDescriptor) -> _Fill:
        name = field.name
        assert field.message_type is not None  # noqa: S101 -- maps are messages to protobuf
        entry = field.message_type.fields_by_name
        key_scalar, key_json = scalar_of(entry["key"]), from_text(entry["key"])
        value_field = entry["value"]
        put: Callable[[Any, Any, Any], None]
        if value_field.message_type is not None:
            read = self.message(value_field.message_type)
            put = lambda target, key, value: read(value, target[key])  # noqa: E731
        else:
            scalar = scalar_of(value_field)
            put = lambda target, key, value: target.__setitem__(key, scalar(value))  # noqa: E731

        def fill(message: Message, value: Any) -> None:
            if value is None:
                return
            if not isinstance(value, dict):
                raise Mismatch("must be an object")
            for key, item in value.items():
                try:
                    put(getattr(message, name), key_scalar(key_json(key)), item)
                except Mismatch as mismatch:
                    raise mismatch.inside(key) from None

        return fill


def _fill_all(
    message: Message,
    values: Mapping[str, Any],
    fills: Mapping[str, _Fill],
    unknown: Callable[[Message, str, Any], None],
) -> None:
    done = set()
    for key, value in values.items():
        fill = fills.get(key)
        try:
            if fill is None:
                unknown(message, key, value)
                continue
            if fill in done:
                raise Mismatch("is given twice")
            done.add(fill)
            fill(message, value)
        except Mismatch as mismatch:
            raise mismatch.inside(key) from None


def _keeping(flat: FieldDescriptor) -> Callable[[Message, str, Any], None]:
    read = READERS["google.protobuf.Struct"]
    lenient = flat.GetOptions().Extensions[options_pb2.takes_misfits]

    def keep(message: Message, key: str, value: Any) -> None:
        given = {key: value}
        read(storable(given) if lenient else given, getattr(message, flat.name))

    return keep


def _filling_or(keep: Callable[[Message, str, Any], None], name: str, fill: _Fill) -> _Fill:
    def filling(message: Message, value: Any) -> None:
        try:
            fill(message, value)
        except Mismatch:
            # What the field took before it came to what does not fit.
            message.ClearField(name)
            keep(message, name, value)

    return filling


def _refuse(_message: Message, _key: str, _value: Any) -> None:
    raise Mismatch("is not known here")


def _ignore(_message: Message, _key: str, _value: Any) -> None:
    return


def _headed(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[options_pb2.header])


def _flattened(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[options_pb2.flatten])


def _takes_null(field: FieldDescriptor) -> bool:
    return (
        not field.is_repeated
        and field.message_type is not None
        and field.message_type.full_name == "google.protobuf.Value"
    )
