"""The task kinds, read from the messages of `specs.proto` that have the `task` option."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.tasks.parameters import Form, form_of
from vitascope.options.v1 import options_pb2


@dataclass(frozen=True)
class Kind:
    """A task kind in one version of the Tasks API.

    `spec`, `form` and `result` describe parameters and result as this version documents them,
    `stored_spec` and `stored_result` are what the ledger keeps, which is the newest version's.
    `makes` are the files that it makes: the first part of their media type by output name.
    """

    name: str
    spec: Descriptor
    form: Form
    result: Descriptor
    stored_spec: type[Message]
    stored_result: type[Message]
    makes: Mapping[str, str]
    long: bool
    unavailable: bool


def kinds_of(specs: FileDescriptor, newest: FileDescriptor) -> Mapping[str, Kind]:
    """Return the kinds of a version's `specs.proto` by name.

    Raises KeyError for a kind that the newest version lacks: nobody could carry it out.
    """
    stored = {task.name: (spec, task) for spec, task in _tasks(newest)}
    return {task.name: _kind(spec, task, *stored[task.name]) for spec, task in _tasks(specs)}


def _kind(
    spec: Descriptor, task: options_pb2.Task, stored_spec: Descriptor, stored: options_pb2.Task
) -> Kind:
    find = spec.file.pool.FindMessageTypeByName
    result = find(task.result)
    return Kind(
        name=task.name,
        spec=spec,
        form=form_of(spec, [list(each.names) for each in task.either]),
        result=result,
        stored_spec=GetMessageClass(stored_spec),
        stored_result=GetMessageClass(find(stored.result)),
        makes=_made(result),
        long=task.long,
        unavailable=stored.unavailable,
    )


def _made(result: Descriptor) -> Mapping[str, str]:
    media = {
        field.name: field.GetOptions().Extensions[options_pb2.makes] for field in result.fields
    }
    return {name: each for name, each in media.items() if each}


def _tasks(specs: FileDescriptor) -> list[tuple[Descriptor, options_pb2.Task]]:
    messages = specs.message_types_by_name.values()
    marked = [(each, each.GetOptions().Extensions[options_pb2.task]) for each in messages]
    return [(spec, task) for spec, task in marked if task.name]
