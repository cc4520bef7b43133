"""What a parameter may be, read once from its field and the field's `parameter` option."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from vitascope.options.v1 import options_pb2

MAX_LENGTH = 8192
MAX_ITEMS = 100


@dataclass(frozen=True)
class Parameter:
    """A parameter: its type is the field's, `rules` are what the option says beside it.

    Texts, those in lists too, have at most `max_length` characters, lists at most `max_items`.
    """

    field: FieldDescriptor
    rules: options_pb2.Parameter
    pattern: re.Pattern[str] | None
    max_length: int
    max_items: int

    @property
    def name(self) -> str:
        """What clients call it."""
        return self.field.name


@dataclass(frozen=True)
class Form:
    """A message whose fields are parameters.

    `either` are sets of parameters of which one must be given whole, when there are any.
    """

    message: type[Message]
    parameters: Mapping[str, Parameter]
    either: Sequence[Sequence[str]] = ()

    @property
    def confidential(self) -> frozenset[str]:
        """The names of the parameters that are credentials."""
        return frozenset(name for name, each in self.parameters.items() if each.rules.confidential)


def form_of(descriptor: Descriptor, either: Sequence[Sequence[str]] = ()) -> Form:
    """Return the parameters that a message describes; those for older versions are none of it."""
    every = [_parameter(field) for field in descriptor.fields]
    parameters = {each.name: each for each in every if not each.rules.older}
    return Form(GetMessageClass(descriptor), parameters, either)


def _parameter(field: FieldDescriptor) -> Parameter:
    rules = field.GetOptions().Extensions[options_pb2.parameter]
    return Parameter(
        field=field,
        rules=rules,
        pattern=re.compile(rules.pattern) if rules.pattern else None,
        max_length=rules.max_length or MAX_LENGTH,
        max_items=rules.max_items or MAX_ITEMS,
    )
