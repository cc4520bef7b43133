"""The storage systems, read from the messages of `stores.proto` that have the `store` option."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import FileDescriptor

from services.tasks.parameters import Form, form_of
from vitascope.options.v1 import options_pb2


@dataclass(frozen=True)
class Store:
    """A storage system: its parameters, and which tasks it takes.

    `takes` is the first part of a media type, of which they must make a file; empty for any.
    With `single` they must make exactly one file.
    """

    name: str
    form: Form
    takes: str
    single: bool

    def refuses(self, makes: Mapping[str, str]) -> str | None:
        """Return why it does not take tasks that make these files, media types by output name."""
        if self.single and len(makes) != 1:
            return f"type {self.name} takes only tasks with exactly one output file"
        if self.takes and self.takes not in makes.values():
            return f"type {self.name} takes only tasks that make a file of type {self.takes}"
        return None


def stores_of(file: FileDescriptor) -> Mapping[str, Store]:
    """Return the storage systems that a file describes, by name."""
    stores = {}
    for message in file.message_types_by_name.values():
        option = message.GetOptions().Extensions[options_pb2.store]
        if option.name:
            form = form_of(message)
            stores[option.name] = Store(option.name, form, option.takes, option.single)
    return stores
