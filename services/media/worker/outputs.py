"""What a result message says about the files that were made."""

from collections.abc import Mapping

from google.protobuf.message import Message

from vitascope.options.v1 import options_pb2


def fill_addresses(result: Message, addresses: Mapping[str, str]) -> None:
    """Set the result's output fields to where the outputs with their names are.

    That is the path of a file in the house, else a whole address. Fields of outputs that are not
    there are cleared: a run may have been taken over by the file that it decodes, and name
    another's.
    """
    for name in output_fields(result):
        result.ClearField(name)
        if name in addresses:
            setattr(result, name, addresses[name])


def output_fields(result: Message) -> list[str]:
    """The fields of a kind of result that say where outputs are."""
    options = options_pb2.output_file
    fields = result.DESCRIPTOR.fields
    return [field.name for field in fields if field.GetOptions().Extensions[options]]
