"""Results as the Tasks API shows them, read from the fields of the kind's result message."""

import math

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from services.tasks.kinds import Kind
from vitascope.options.v1 import options_pb2


def read_result(kind: Kind, result: bytes, public_url: str) -> dict[str, object]:
    """Return the values that this version of the API documents for a task's result.

    Files are given by their URL. Values that are not set are left out; but where the contract says
    so they are null, and lists are empty.
    """
    return _values(kind.result, kind.stored_result.FromString(result), public_url)


def _values(documented: Descriptor, message: Message, public_url: str) -> dict[str, object]:
    values: dict[str, object] = {}
    for field in documented.fields:
        options = field.GetOptions().Extensions
        value = getattr(message, field.name)
        if field.is_repeated:
            values[field.name] = [_plain(field, each, public_url) for each in value]
        elif message.HasField(field.name):
            plain = _plain(field, value, public_url)
            is_file = options[options_pb2.output_file]
            values[field.name] = _address(str(plain), public_url) if is_file else plain
        elif options[options_pb2.nullable]:
            values[field.name] = None
    return values


def _plain(field: FieldDescriptor, value: object, public_url: str) -> object:
    if field.message_type is not None and isinstance(value, Message):
        return _values(field.message_type, value, public_url)
    # JSON has no such numbers.
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _address(place: str, public_url: str) -> str:
    """Return the URL of a file, which another store than ours gave itself."""
    return place if "://" in place else f"{public_url}/storage/{place}"
