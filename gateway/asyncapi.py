"""The AsyncAPI 3 document of the public event topics, out of the descriptors."""

from collections.abc import Iterable, Iterator

from google.protobuf.descriptor import Descriptor, FileDescriptor

from gateway.kinds import Schema, catalogue
from gateway.schemas import Schemas
from gateway.surfaces.tasks import TASKS
from services.chassis.comments import comments
from vitascope.options.v1 import options_pb2

_DESCRIPTION = """\
What happens in Vitascope, on Apache Kafka's protocol. Every value is one protobuf message in
binary form, described here by its fields; the `.proto` files that it is compiled from are in
`protos/`. CloudEvents attributes are in the headers. An event may come twice, with the same
`ce_id`; the events of one key come in their order.
"""
_HAPPENING = "happening"
_TEXT: Schema = {"type": "string"}


def events_document(files: Iterable[FileDescriptor]) -> Schema:
    """Return the document of the topics whose messages `files` mark with the `topic` option."""
    schemas: dict[str, Schema] = {}
    # Of the two surfaces the Tasks API has the times of protobuf's JSON.
    collected = Schemas(TASKS, catalogue(()), schemas)
    topics = dict(sorted(_topics(files)))
    names = {topic: value.name for topic, value in topics.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Vitascope events", "version": "1", "description": _DESCRIPTION},
        "defaultContentType": "application/protobuf",
        "channels": {
            topic: {
                "address": topic,
                "description": comments()[value.full_name],
                "messages": {value.name: {"$ref": f"#/components/messages/{value.name}"}},
            }
            for topic, value in topics.items()
        },
        "operations": {
            f"send.{topic}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{topic}"},
                "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"}],
            }
            for topic, name in names.items()
        },
        "components": {
            "messages": {value.name: _message(value, collected) for value in topics.values()},
            "schemas": schemas,
        },
    }


def _topics(files: Iterable[FileDescriptor]) -> Iterator[tuple[str, Descriptor]]:
    for file in files:
        for message in file.message_types_by_name.values():
            if topic := message.GetOptions().Extensions[options_pb2.topic]:
                yield topic, message


def _message(value: Descriptor, schemas: Schemas) -> Schema:
    return {
        "name": value.full_name,
        "title": value.name,
        "summary": comments()[value.full_name],
        "headers": _headers(value),
        "payload": schemas.message(value, request=False),
        "bindings": {"kafka": {"key": {**_TEXT, "description": "What the event is about."}}},
    }


def _headers(value: Descriptor) -> Schema:
    fields = value.oneofs_by_name[_HAPPENING].fields
    happenings = [each.message_type.full_name for each in fields if each.message_type]
    properties: dict[str, Schema] = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {**_TEXT, "description": "Names the event among all events."},
        "ce_type": {
            "enum": happenings,
            "description": f"The message that `{_HAPPENING}` holds.",
        },
        "ce_source": {**_TEXT, "description": "The service that tells."},
        "ce_time": {**_TEXT, "format": "date-time", "description": "When it happened."},
        "content-type": {"const": "application/protobuf"},
    }
    return {"type": "object", "properties": properties, "required": [*properties]}
