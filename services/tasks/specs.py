"""Task parameters, as they arrive in JSON, become the spec message of their kind.

What a parameter may be is read from the spec's fields: type, default, and the `parameter` option
(required, choices, range). No kind is known here by name.
"""

from collections import defaultdict
from collections.abc import Mapping

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.tasks.kinds import Kind
from vitascope.options.v1 import options_pb2

Problems = dict[str, list[str]]
Scalar = str | bool | int | float

REQUIRED = "this field is required"
UNKNOWN = "unknown parameter"

_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
}


def read_spec(kind: Kind, parameters: Mapping[str, object]) -> tuple[bytes, Problems]:
    """Return the serialized spec for the ledger, and what is wrong with each bad parameter.

    A parameter that is null counts as not given. The spec is of use only without problems.
    """
    problems: Problems = defaultdict(list)
    spec = GetMessageClass(kind.spec)()
    given = {name: value for name, value in parameters.items() if value is not None}
    for name in given:
        if name not in kind.spec.fields_by_name:
            problems[name].append(UNKNOWN)
    for field in kind.spec.fields:
        option = field.GetOptions().Extensions[options_pb2.parameter]
        value = given.get(field.name)
        if option.required and value in (None, ""):
            problems[field.name].append(REQUIRED)
        elif value is not None:
            _read_field(spec, field, value, problems)
    return _carried(spec, kind), dict(problems)


def _read_field(spec: Message, field: FieldDescriptor, value: object, problems: Problems) -> None:
    option = field.GetOptions().Extensions[options_pb2.parameter]
    try:
        scalar = _scalar(field, value)
        _check(option, scalar)
    except ValueError as error:
        problems[field.name].append(str(error))
    else:
        setattr(spec, field.name, scalar)


def _scalar(field: FieldDescriptor, value: object) -> Scalar:
    """Return the value as the field's type has it; a ValueError says what it must be."""
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING if isinstance(value, str):
            return value
        case FieldDescriptor.CPPTYPE_STRING:
            raise ValueError("must be a string")
        case FieldDescriptor.CPPTYPE_BOOL if isinstance(value, bool):
            return value
        case FieldDescriptor.CPPTYPE_BOOL:
            raise ValueError("must be true or false")
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return _number(value)
        case integer if integer in _INTEGERS:
            return _integer(value, *_INTEGERS[integer])
        case _:
            raise TypeError(f"{field.full_name} is of no type that a parameter can have")


def _number(value: object) -> float:
    # JSON's true and false are numbers to Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    return float(value)


def _integer(value: object, lowest: int, highest: int) -> int:
    # Numbers arrive as doubles; infinity and NaN leave a remainder too.
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1:
        raise ValueError("must be an integer")
    if not lowest <= value <= highest:
        raise ValueError(f"must be between {lowest} and {highest}")
    return int(value)


def _check(option: options_pb2.Parameter, value: Scalar) -> None:
    if option.choices and str(value) not in option.choices:
        raise ValueError(f"must be one of: {', '.join(option.choices)}")
    if isinstance(value, str):
        return
    if option.HasField("minimum") and value < option.minimum:
        raise ValueError(f"must be at least {option.minimum:g}")
    if option.HasField("maximum") and value > option.maximum:
        raise ValueError(f"must be at most {option.maximum:g}")


def _carried(spec: Message, kind: Kind) -> bytes:
    """Return the stored spec: what was given, and the defaults of the version asked."""
    stored = GetMessageClass(kind.stored_spec)()
    for field in kind.spec.fields:
        if spec.HasField(field.name) or field.has_default_value:
            setattr(stored, field.name, getattr(spec, field.name))
    return stored.SerializeToString()
