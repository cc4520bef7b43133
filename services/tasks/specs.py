"""Task parameters, as they arrive in JSON or in a query, become the spec message of their kind.

What a parameter may be is read from the spec's fields: type, default, and the `parameter` option
(required, choices, range, ...). No kind is known here by name.
"""

from collections import defaultdict
from collections.abc import Mapping

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services.tasks.kinds import Kind
from services.tasks.parameters import Form, Parameter
from services.tasks.values import read_value

Problems = dict[str, list[str]]

REQUIRED = "this field is required"
UNKNOWN = "unknown parameter"
_NOTHING: tuple[object, ...] = (None, "", [])


def read_spec(
    kind: Kind, parameters: Mapping[str, object], *, texts: bool = False
) -> tuple[bytes, Problems]:
    """Return the serialized spec for the ledger, and what is wrong with each bad parameter.

    A parameter that is null counts as not given. With `texts` the parameters come from a query
    string: texts, and lists of texts. The spec is of use only without problems.
    """
    spec, problems = read_form(kind.form, parameters, texts=texts)
    return _carried(spec, kind), problems


def read_form(
    form: Form, given: Mapping[str, object], *, texts: bool = False
) -> tuple[Message, Problems]:
    """Return the message that the parameters fill, and what is wrong with each bad one."""
    problems: Problems = defaultdict(list)
    message = form.message()
    for name in given:
        if name not in form.parameters and given[name] is not None:
            problems[name].append(UNKNOWN)
    for name, parameter in form.parameters.items():
        value = given.get(name)
        if _is_missing(parameter, value, texts=texts):
            if parameter.rules.required:
                problems[name].append(REQUIRED)
            continue
        try:
            _put(message, parameter, read_value(parameter, value, texts=texts))
        except ValueError as error:
            problems[name].append(str(error))
    _check_together(form, message, problems)
    return message, dict(problems)


def _is_missing(parameter: Parameter, value: object, *, texts: bool) -> bool:
    if value is None:
        return True
    # A web page's form sends what was left empty as an empty text.
    left_empty = texts and parameter.field.cpp_type != FieldDescriptor.CPPTYPE_STRING
    return (parameter.rules.required or left_empty) and value in _NOTHING


def _put(message: Message, parameter: Parameter, value: object) -> None:
    if parameter.field.is_repeated:
        getattr(message, parameter.name).extend(value)
    else:
        setattr(message, parameter.name, value)


def _check_together(form: Form, message: Message, problems: Problems) -> None:
    """Check what parameters say about each other, those that are right by themselves."""
    for name, parameter in form.parameters.items():
        lower = parameter.rules.greater_than
        if not lower or not message.HasField(name) or lower in problems:
            continue
        if getattr(message, name) <= getattr(message, lower):
            problems[name].append(f"must be greater than {lower}")
    if form.either:
        _check_either(form, message, problems)


def _check_either(form: Form, message: Message, problems: Problems) -> None:
    """Check that one of the sets is given whole; else ask for the rest of the one begun."""
    given = {field.name for field, _ in message.ListFields()} | problems.keys()
    if any(given.issuperset(names) for names in form.either):
        return
    begun = max(form.either, key=lambda names: (len(given.intersection(names)), -len(names)))
    others = [" and ".join(names) for names in form.either if names is not begun]
    unless = f", unless {' or '.join(others)} are given" if others else ""
    for name in begun:
        if name not in given:
            problems[name].append(REQUIRED + unless)


def _carried(spec: Message, kind: Kind) -> bytes:
    """Return the stored spec: what was given, and the defaults of the version asked."""
    stored = kind.stored_spec()
    for field in kind.spec.fields:
        if field.is_repeated:
            getattr(stored, field.name).extend(getattr(spec, field.name))
        elif spec.HasField(field.name) or field.has_default_value:
            setattr(stored, field.name, getattr(spec, field.name))
    return stored.SerializeToString()
