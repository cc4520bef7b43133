"""Scalar values of protobuf fields from JSON values and from text."""

import base64
import binascii
import math
import re
import struct
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

Scalar = Callable[[Any], Any]

_Field = FieldDescriptor
_RANGES = {
    _Field.TYPE_INT32: (-(2**31), 2**31 - 1),
    _Field.TYPE_SINT32: (-(2**31), 2**31 - 1),
    _Field.TYPE_SFIXED32: (-(2**31), 2**31 - 1),
    _Field.TYPE_UINT32: (0, 2**32 - 1),
    _Field.TYPE_FIXED32: (0, 2**32 - 1),
    _Field.TYPE_INT64: (-(2**63), 2**63 - 1),
    _Field.TYPE_SINT64: (-(2**63), 2**63 - 1),
    _Field.TYPE_SFIXED64: (-(2**63), 2**63 - 1),
    _Field.TYPE_UINT64: (0, 2**64 - 1),
    _Field.TYPE_FIXED64: (0, 2**64 - 1),
}
_DIGITS = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_FLOAT = struct.Struct("<f")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class Mismatch(Exception):
    """A value that does not fit its field: where, as keys and indexes, and what is expected."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected
        self._path: list[str | int] = []

    def inside(self, step: str | int) -> "Mismatch":
        """Return the same as seen from one level up."""
        self._path.insert(0, step)
        return self

    @property
    def path(self) -> str:
        """The place, for example `tasks[0].url`; empty for the whole value."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self._path)
        return "".join(steps).removeprefix(".")


def scalar_of(field: FieldDescriptor) -> Scalar:
    """Return what turns a JSON value into a value of this field, raising Mismatch."""
    if field.type in _RANGES:
        return _integer(*_RANGES[field.type])
    if field.enum_type is not None:
        return _enum(field.enum_type)
    return _SCALARS[field.type]


def from_text(field: FieldDescriptor) -> Callable[[str], Any]:
    """Return what turns text, as in a query, into the JSON value that stands for it.

    Text that cannot be read stays text: what reads the JSON value then says what was expected.
    """
    return _FROM_TEXT.get(field.cpp_type, str)


def _integer(low: int, high: int) -> Scalar:
    expected = f"must be a whole number from {low} to {high}"
    wide = high > 2**53

    def read(value: Any) -> int:
        # JavaScript cannot write all of 64 bits as a number; protobuf's mapping has text for that.
        as_text = wide and isinstance(value, str) and _DIGITS.fullmatch(value)
        if as_text or (isinstance(value, float) and value.is_integer()):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise Mismatch(expected)
        return value

    return read


def _enum(enum: EnumDescriptor) -> Scalar:
    numbers: dict[Any, int] = {value.name: value.number for value in enum.values}
    expected = f"must be one of {', '.join(numbers)}"

    def read(value: Any) -> int:
        if isinstance(value, str) and value in numbers:
            return numbers[value]
        if isinstance(value, int) and not isinstance(value, bool) and value in numbers.values():
            return value
        raise Mismatch(expected)

    return read


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Mismatch("must be true or false")
    return value


def number(value: Any) -> float:
    """Return a finite number as a double. Raises Mismatch for anything else."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            converted = float(value)
            if math.isfinite(converted):
                return converted
    except OverflowError:
        raise Mismatch("is too large a number") from None
    raise Mismatch("must be a number")


def _single_precision(value: Any) -> float:
    try:
        # The largest of all is written with fewer digits, which name a number just above it.
        rounded: float = _FLOAT.unpack(_FLOAT.pack(number(value)))[0]
    except OverflowError:
        raise Mismatch("is too large a number") from None
    return rounded


def text(value: Any) -> str:
    """Return a string that protobuf and databases can hold. Raises Mismatch for anything else."""
    if not isinstance(value, str):
        raise Mismatch("must be a string")
    if "\0" in value:
        raise Mismatch("must not contain the character U+0000")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Mismatch("must not contain half of a surrogate pair") from None
    return value


def _bytes(value: Any) -> bytes:
    expected = Mismatch("must be base64")
    if not isinstance(value, str) or not value.isascii():
        raise expected
    standard = value.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except binascii.Error:
        raise expected from None


_SCALARS: dict[int, Scalar] = {
    _Field.TYPE_BOOL: _boolean,
    _Field.TYPE_DOUBLE: number,
    _Field.TYPE_FLOAT: _single_precision,
    _Field.TYPE_STRING: text,
    _Field.TYPE_BYTES: _bytes,
}


def _integer_text(value: str) -> int | str:
    return int(value) if _DIGITS.fullmatch(value) else value


def _number_text(value: str) -> float | str:
    return float(value) if _NUMBER.fullmatch(value) else value


def _boolean_text(value: str) -> bool | str:
    return _BOOLEANS.get(value.lower(), value)


_FROM_TEXT: dict[int, Callable[[str], Any]] = {
    _Field.CPPTYPE_INT32: _integer_text,
    _Field.CPPTYPE_INT64: _integer_text,
    _Field.CPPTYPE_UINT32: _integer_text,
    _Field.CPPTYPE_UINT64: _integer_text,
    _Field.CPPTYPE_DOUBLE: _number_text,
    _Field.CPPTYPE_FLOAT: _number_text,
    _Field.CPPTYPE_BOOL: _boolean_text,
    _Field.CPPTYPE_ENUM: _integer_text,
}
