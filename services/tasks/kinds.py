"""The task kinds, read from the messages of `specs.proto` that have the `task` option."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, FileDescriptor

from vitascope.options.v1 import options_pb2


@dataclass(frozen=True)
class Kind:
    """A task kind in one version of the Tasks API.

    `spec` and `result` describe parameters and result as this version documents them,
    `stored_spec` and `stored_result` what the ledger keeps, which is the newest version's.
    """

    name: str
    spec: Descriptor
    result: Descriptor
    stored_spec: Descriptor
    stored_result: Descriptor
    long: bool


def kinds_of(specs: FileDescriptor, newest: FileDescriptor) -> Mapping[str, Kind]:
    """Return the kinds of a version's `specs.proto` by name.

    Raises KeyError for a kind that the newest version lacks: nobody could carry it out.
    """
    stored = {task.name: (spec, task.result) for spec, task in _tasks(newest)}
    find = specs.pool.FindMessageTypeByName
    kinds = {}
    for spec, task in _tasks(specs):
        stored_spec, stored_result = stored[task.name]
        kinds[task.name] = Kind(
            name=task.name,
            spec=spec,
            result=find(task.result),
            stored_spec=stored_spec,
            stored_result=find(stored_result),
            long=task.long,
        )
    return kinds


def _tasks(specs: FileDescriptor) -> list[tuple[Descriptor, options_pb2.Task]]:
    messages = specs.message_types_by_name.values()
    marked = [(each, each.GetOptions().Extensions[options_pb2.task]) for each in messages]
    return [(spec, task) for spec, task in marked if task.name]
