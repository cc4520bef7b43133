"""The kinds of tasks, as the contract describes them: parameters, result values, files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.chassis.comments import comments
from vitascope.options.v1 import options_pb2
from vitascope.tasks.v2 import specs_pb2

_TYPES = {
    FieldDescriptor.CPPTYPE_STRING: "string",
    FieldDescriptor.CPPTYPE_BOOL: "boolean",
    FieldDescriptor.CPPTYPE_INT32: "integer",
    FieldDescriptor.CPPTYPE_INT64: "integer",
    FieldDescriptor.CPPTYPE_DOUBLE: "number",
    FieldDescriptor.CPPTYPE_MESSAGE: "object",
}


@dataclass(frozen=True)
class Value:
    """A result value. `name` is a path within the result, such as `faces[].confidence`."""

    name: str
    type: str
    about: str


@dataclass(frozen=True)
class Parameter:
    """What a kind may be told, and what is checked of it: None, "" and () are no check.

    `rules` are the checks that only a sentence can say.
    """

    name: str
    type: str
    many: bool
    about: str
    required: bool
    default: str | bool | float | None
    choices: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    rules: str


@dataclass(frozen=True)
class Kind:
    """A kind of task. One of the sets in `either` must be given whole, if there are any."""

    name: str
    about: str
    available: bool
    either: tuple[tuple[str, ...], ...]
    parameters: tuple[Parameter, ...]
    values: tuple[Value, ...]
    files: tuple[Value, ...]


@cache
def kinds() -> Mapping[str, Kind]:
    """Return all kinds by name, in the order of their names."""
    messages = specs_pb2.DESCRIPTOR.message_types_by_name.values()
    marked = [(each, each.GetOptions().Extensions[options_pb2.task]) for each in messages]
    found = {task.name: _kind(spec, task) for spec, task in marked if task.name}
    return dict(sorted(found.items()))


def _kind(spec: Descriptor, task: options_pb2.Task) -> Kind:
    result = specs_pb2.DESCRIPTOR.pool.FindMessageTypeByName(task.result)
    # "Parameters of `image.thumb`: makes an image ..."
    about = comments()[spec.full_name].partition(": ")[2]
    return Kind(
        name=task.name,
        about=about[:1].upper() + about[1:],
        available=not task.unavailable,
        either=tuple(tuple(each.names) for each in task.either),
        parameters=tuple(_parameters(spec)),
        values=tuple(_values(result, "")),
        files=tuple(_value(each, "") for each in result.fields if _is_file(each)),
    )


def _parameters(spec: Descriptor) -> Iterator[Parameter]:
    for field in spec.fields:
        checks = field.GetOptions().Extensions[options_pb2.parameter]
        if not checks.older:
            whole = field.cpp_type != FieldDescriptor.CPPTYPE_DOUBLE
            number = int if whole else float
            yield Parameter(
                name=field.name,
                type=_TYPES[field.cpp_type],
                many=field.is_repeated,
                about=comments()[field.full_name],
                required=checks.required,
                default=field.default_value if field.has_default_value else None,
                choices=tuple(checks.choices),
                minimum=number(checks.minimum) if checks.HasField("minimum") else None,
                maximum=number(checks.maximum) if checks.HasField("maximum") else None,
                rules=" ".join(_rules(checks)),
            )


def _rules(checks: options_pb2.Parameter) -> Iterator[str]:
    if checks.pattern_means:
        yield f"Must be {checks.pattern_means}."
    if checks.greater_than:
        yield f"Must be greater than {checks.greater_than}."
    if checks.max_items:
        yield f"At most {checks.max_items} of them."


def _values(message: Descriptor, above: str) -> Iterator[Value]:
    for field in message.fields:
        if _is_file(field):
            continue
        value = _value(field, above)
        yield value
        if field.message_type:
            yield from _values(
                field.message_type, f"{value.name}{'[]' if field.is_repeated else ''}."
            )


def _value(field: FieldDescriptor, above: str) -> Value:
    kind = _TYPES[field.cpp_type]
    nullable = field.GetOptions().Extensions[options_pb2.nullable]
    name = f"list of {kind}s" if field.is_repeated else f"{kind} or null" if nullable else kind
    return Value(f"{above}{field.name}", name, comments()[field.full_name])


def _is_file(field: FieldDescriptor) -> bool:
    is_file: bool = field.GetOptions().Extensions[options_pb2.output_file]
    return is_file
