"""What the server reads from the contract: the scope of each RPC, and the rules of its messages."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import protovalidate
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, ServiceDescriptor
from google.protobuf.message import Message
from protovalidate import FieldPathElementPb

from services.chassis.auth import KNOWN_SCOPES
from services.chassis.errors import Violation
from vitascope.options.v1 import options_pb2


@dataclass(frozen=True)
class Method:
    """An RPC. `scope` is None for health and reflection, which ask for no credentials."""

    name: str
    scope: str | None = None
    has_rules: bool = False


def methods_of(services: Iterable[ServiceDescriptor]) -> dict[str, Method]:
    """Return the services' RPCs by their gRPC path.

    Raises ValueError that names the RPCs which lack a known scope.
    """
    methods: dict[str, Method] = {}
    for service in services:
        for rpc in service.methods:
            name = f"/{service.full_name}/{rpc.name}"
            scope = rpc.GetOptions().Extensions[options_pb2.scope]
            methods[name] = Method(name, scope, has_rules(rpc.input_type))
    if open_doors := [m.name for m in methods.values() if m.scope not in KNOWN_SCOPES]:
        raise ValueError(f"These RPCs name no known scope: {', '.join(open_doors)}")
    return methods


def has_rules(message: Descriptor, seen: frozenset[str] = frozenset()) -> bool:
    """Return whether the message, or one inside of it, states any protovalidate rule."""
    if message.full_name in seen:
        return False
    seen |= {message.full_name}
    return (
        message.GetOptions().HasExtension(validate_pb2.message)
        or any(oneof.GetOptions().HasExtension(validate_pb2.oneof) for oneof in message.oneofs)
        or any(
            each.GetOptions().HasExtension(validate_pb2.field)
            or (each.message_type is not None and has_rules(each.message_type, seen))
            for each in message.fields
        )
    )


def violations_of(message: Message) -> list[Violation]:
    """Return what breaks the message's rules; fields as paths of JSON names, `a.b[0].c`."""
    descriptor = cast(Descriptor, message.DESCRIPTOR)
    return [
        Violation(
            _json_path(descriptor, found.proto.field.elements if found.proto.field else ()),
            found.proto.message,
        )
        for found in protovalidate.collect_violations(message)
    ]


def _json_path(message: Descriptor | None, elements: Iterable[FieldPathElementPb]) -> str:
    path = ""
    for element in elements:
        field = message.fields_by_name.get(element.field_name) if message else None
        path += "." if path else ""
        path += field.json_name if field else element.field_name
        if element.subscript is not None:
            path += f"[{element.subscript.value}]"
        message = field.message_type if field else None
    return path
