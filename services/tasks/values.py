"""JSON values, and texts of query strings, as values of parameters."""

import math
import re
from collections.abc import Callable, Mapping

from google.protobuf.descriptor import FieldDescriptor

from services.tasks.parameters import Parameter

Scalar = str | bool | int | float

_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
}
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})([eE][+-]?[0-9]{1,3})?")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def read_value(parameter: Parameter, value: object, *, texts: bool) -> Scalar | list[Scalar]:
    """Return the value as the parameter's field has it; a ValueError says what it must be.

    With `texts` scalars arrive as text, and a list of one item as this item.
    """
    if not parameter.field.is_repeated:
        if texts and isinstance(value, list):
            raise ValueError("is given more than once")
        return _read_item(parameter, value, texts=texts)
    if texts and isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise ValueError("must be a list")
    if len(value) > parameter.max_items:
        raise ValueError(f"must have at most {parameter.max_items} items")
    return [_read_listed(parameter, number, each, texts) for number, each in enumerate(value, 1)]


def _read_listed(parameter: Parameter, number: int, value: object, texts: bool) -> Scalar:
    if value in (None, ""):
        raise ValueError(f"item {number} must not be empty")
    try:
        return _read_item(parameter, value, texts=texts)
    except ValueError as error:
        raise ValueError(f"item {number} {error}") from None


def _read_item(parameter: Parameter, value: object, *, texts: bool) -> Scalar:
    cpp_type = parameter.field.cpp_type
    if texts and isinstance(value, str) and cpp_type in _FROM_TEXT:
        value = _FROM_TEXT[cpp_type](value)
    scalar = _scalar(parameter.field, value)
    _check(parameter, scalar)
    return scalar


def _scalar(field: FieldDescriptor, value: object) -> Scalar:
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
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("must be a number")
    return float(value)


def _integer(value: object, lowest: int, highest: int) -> int:
    # Numbers arrive as doubles; infinity and NaN leave a remainder too.
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1:
        raise ValueError("must be an integer")
    if not lowest <= value <= highest:
        raise ValueError(f"must be between {lowest} and {highest}")
    return int(value)


def _check(parameter: Parameter, value: Scalar) -> None:
    rules = parameter.rules
    if rules.choices and str(value) not in rules.choices:
        raise ValueError(f"must be one of: {', '.join(rules.choices)}")
    if isinstance(value, str):
        if len(value) > parameter.max_length:
            raise ValueError(f"must have at most {parameter.max_length} characters")
        if parameter.pattern and not parameter.pattern.fullmatch(value):
            raise ValueError(f"must be {rules.pattern_means}")
        return
    if rules.HasField("minimum") and value < rules.minimum:
        raise ValueError(f"must be at least {rules.minimum:g}")
    if rules.HasField("maximum") and value > rules.maximum:
        raise ValueError(f"must be at most {rules.maximum:g}")


# What is no such value stays text, which the check of the type then refuses.
_FROM_TEXT: Mapping[int, Callable[[str], object]] = {
    FieldDescriptor.CPPTYPE_BOOL: lambda text: _BOOLEANS.get(text.lower(), text),
    FieldDescriptor.CPPTYPE_DOUBLE: lambda text: float(text) if _NUMBER.fullmatch(text) else text,
    **dict.fromkeys(_INTEGERS, lambda text: int(text) if _INTEGER.fullmatch(text) else text),
}
