"""Task kinds and storage systems in the contract, and what JSON Schema says of their parameters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor

from gateway.scalars import from_text
from vitascope.options.v1 import options_pb2

Schema = dict[str, Any]

UNAVAILABLE = "Not available yet."

_PROBLEMS: Schema = {
    "type": "object",
    "additionalProperties": {"type": "array", "items": {"type": "string"}},
}
ERRORS: list[Schema] = [
    {"type": "string"},
    {
        "type": "object",
        "properties": {"parameters": {"description": "By their names.", **_PROBLEMS}},
        "required": ["parameters"],
    },
]
"""What is said of a task that ended badly: a sentence, or what is wrong with its parameters."""


@dataclass(frozen=True)
class Catalogue:
    """The parameter messages of the task kinds, by package and then by task name, those of the
    storage systems, and the names of the kinds that cannot be created yet."""

    kinds: Mapping[str, Sequence[Descriptor]]
    stores: Sequence[Descriptor]
    unavailable: frozenset[str]


def catalogue(files: Iterable[FileDescriptor]) -> Catalogue:
    """Return what the files say of task kinds and storage systems."""
    kinds: dict[str, list[Descriptor]] = {}
    stores, unavailable = [], set()
    for file in files:
        for message in file.message_types_by_name.values():
            options = message.GetOptions()
            if options.HasExtension(options_pb2.task):
                kinds.setdefault(file.package, []).append(message)
                if options.Extensions[options_pb2.task].unavailable:
                    unavailable.add(task_name_of(message))
            elif options.HasExtension(options_pb2.store):
                stores.append(message)
    for package in kinds.values():
        package.sort(key=task_name_of)
    return Catalogue(kinds, stores, frozenset(unavailable))


def task_name_of(kind: Descriptor) -> str:
    """Return the documented name of a task kind from its parameter message."""
    name: str = kind.GetOptions().Extensions[options_pb2.task].name
    return name


def store_name_of(store: Descriptor) -> str:
    """Return the documented `type` of a storage system from its parameter message."""
    name: str = store.GetOptions().Extensions[options_pb2.store].name
    return name


def result_of(kind: Descriptor) -> Descriptor:
    """Return the message that describes the result of a kind."""
    pool = kind.file.pool
    return pool.FindMessageTypeByName(kind.GetOptions().Extensions[options_pb2.task].result)


def json_name_of(field: FieldDescriptor) -> str:
    """Return the name of a field in JSON."""
    message = field.containing_type
    own = message is not None and message.file.GetOptions().Extensions[options_pb2.own_names]
    return field.name if own else field.json_name


def parameters_of(message: Descriptor) -> list[FieldDescriptor]:
    """Return the fields that are parameters: not those that only older versions know."""
    option = options_pb2.parameter
    return [each for each in message.fields if not each.GetOptions().Extensions[option].older]


def rules_of(field: FieldDescriptor, schema: Schema) -> Schema:
    """Return the schema of a parameter with what its option says of it, or of each of a list."""
    parameter = field.GetOptions().Extensions[options_pb2.parameter]
    rules: Schema = {}
    if parameter.choices:
        json_of = from_text(field)
        rules["enum"] = [json_of(choice) for choice in parameter.choices]
    if parameter.HasField("minimum"):
        rules["minimum"] = parameter.minimum
    if parameter.HasField("maximum"):
        rules["maximum"] = parameter.maximum
    if parameter.max_length:
        rules["maxLength"] = parameter.max_length
    if parameter.pattern:
        rules["pattern"] = f"^(?:{parameter.pattern})$"
    if parameter.confidential:
        rules["format"] = "password"
    if not field.is_repeated:
        default = {"default": field.default_value} if field.has_default_value else {}
        return {**schema, **rules, **default}
    limits = {"minItems": int(parameter.required), "maxItems": parameter.max_items}
    whole = {**schema, **{name: limit for name, limit in limits.items() if limit}}
    return {**whole, "items": {**schema["items"], **rules}} if rules else whole


def either_of(kind: Descriptor) -> Schema:
    """Return what JSON Schema says when one of several sets of parameters must be given."""
    sets = kind.GetOptions().Extensions[options_pb2.task].either
    return {"anyOf": [{"required": list(each.names)} for each in sets]} if sets else {}
