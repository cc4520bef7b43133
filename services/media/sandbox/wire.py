"""What goes over the line between the worker and a decoding child.

JSON and nothing cleverer: the child may have been taken over by the file that
it decodes, so reading what it says must be harmless.
"""

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from services.media.operations import Limits, Output, SourceFile, Split, operation

HEADER = struct.Struct(">I")
MAX_FRAME_BYTES = 64 << 20

# Where a child's standard error goes, within the scratch folder of an item.
ERROR_LOG = ".stderr"


@dataclass(frozen=True)
class Order:
    """One item for a child: what to do, for whom, with what, and what an attempt before saved.

    `parts` are the kinds and the results, serialized, of the parts that one before split it into.
    """

    account: str
    kind: str
    spec: bytes
    sources: Mapping[str, SourceFile]
    limits: Limits
    state: bytes = b""
    parts: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True)
class Room:
    """What a child can reach for its whole life.

    It reads `sources` and `beyond`, and reads and writes `scratch`, in which
    the folder `item` is for the item that it does.
    """

    sources: Path
    scratch: Path
    item: Path
    beyond: tuple[Path, ...] = ()


def text(data: bytes) -> str:
    """Bytes as JSON can have them."""
    return base64.b64encode(data).decode()


def frame(message: dict[str, Any]) -> bytes:
    """A message with its length in front."""
    body = json.dumps(message).encode()
    return HEADER.pack(len(body)) + body


def job(order: Order, sources: Mapping[str, Path], room: Room) -> bytes:
    """What a child is told to do, framed: the order, where its sources are, and its room."""
    return frame(
        {
            "kind": order.kind,
            "spec": text(order.spec),
            "state": text(order.state),
            "parts": [[kind, text(result)] for kind, result in order.parts],
            "sources": {
                name: vars(order.sources[name]) | {"path": str(path)}
                for name, path in sources.items()
            },
            "room": list(map(str, (room.sources, room.scratch, room.item, *room.beyond))),
            "limits": vars(order.limits),
        }
    )


def sources_of(message: dict[str, Any]) -> dict[str, SourceFile]:
    """The sources of a job."""
    return {
        name: SourceFile(**(facts | {"path": Path(facts["path"])}))
        for name, facts in message["sources"].items()
    }


def room_of(message: dict[str, Any]) -> Room:
    """The room of the child that is given a job."""
    sources, scratch, item, *beyond = map(Path, message["room"])
    return Room(sources, scratch, item, tuple(beyond))


def parts_of(message: dict[str, Any]) -> list[Message]:
    """The results of the parts of a job."""
    return [
        operation(kind).result_type.FromString(base64.b64decode(result))
        for kind, result in message["parts"]
    ]


def split(made: Split) -> list[list[Any]]:
    """How a child names the parts that are to be made."""
    return [
        [part.kind, text(part.spec.SerializeToString()), float(part.weight)] for part in made.parts
    ]


def output(made: Output) -> list[str]:
    """How a child names a file that it made."""
    return [made.name, str(made.path), made.content_type, made.file_name]
