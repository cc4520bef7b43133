"""Results as the Tasks API shows them, read from the fields of the kind's result message."""

from google.protobuf.message_factory import GetMessageClass

from services.tasks.kinds import Kind
from vitascope.options.v1 import options_pb2


def read_result(kind: Kind, result: bytes, public_url: str) -> dict[str, object]:
    """Return the values that this version of the API documents for a finished task.

    Files are given by their URL; values that are not set are null where the contract says so,
    else left out.
    """
    message = GetMessageClass(kind.stored_result).FromString(result)
    values: dict[str, object] = {}
    for field in kind.result.fields:
        options = field.GetOptions().Extensions
        if message.HasField(field.name):
            value = getattr(message, field.name)
            is_file = options[options_pb2.output_file]
            values[field.name] = f"{public_url}/storage/{value}" if is_file else value
        elif options[options_pb2.nullable]:
            values[field.name] = None
    return values
