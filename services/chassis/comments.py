"""The contract's comments, by full name, out of the committed descriptor image."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)


@cache
def comments() -> Mapping[str, str]:
    """Return the comment of everything in `vitascope` that has one, as one paragraph each."""
    image = FileDescriptorSet.FromString((files("vitascope") / "descriptors.binpb").read_bytes())
    found = {}
    for file in image.file:
        if file.package.startswith("vitascope."):
            names = dict(_names(file))
            for location in file.source_code_info.location:
                name = names.get(tuple(location.path))
                if name and location.leading_comments:
                    found[name] = " ".join(location.leading_comments.split())
    return found


def _names(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    for index, message in enumerate(file.message_type):
        path = (FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER, index)
        yield from _message_names(message, path, file.package)
    for index, service in enumerate(file.service):
        path = (FileDescriptorProto.SERVICE_FIELD_NUMBER, index)
        name = f"{file.package}.{service.name}"
        yield path, name
        for number, rpc in enumerate(service.method):
            yield (*path, ServiceDescriptorProto.METHOD_FIELD_NUMBER, number), f"{name}.{rpc.name}"


def _message_names(
    message: DescriptorProto, path: Sequence[int], above: str
) -> Iterator[tuple[tuple[int, ...], str]]:
    name = f"{above}.{message.name}"
    yield tuple(path), name
    for index, field in enumerate(message.field):
        yield (*path, DescriptorProto.FIELD_FIELD_NUMBER, index), f"{name}.{field.name}"
    for index, nested in enumerate(message.nested_type):
        inner = (*path, DescriptorProto.NESTED_TYPE_FIELD_NUMBER, index)
        yield from _message_names(nested, inner, name)
