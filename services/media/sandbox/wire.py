"""What goes over the line between the worker and a decoding child.

JSON and nothing cleverer: the child may have been taken over by the file that
it decodes, so reading what it says must be harmless.
"""

import base64
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.media.operations import Limits, Output, SourceFile

HEADER = struct.Struct(">I")
MAX_FRAME_BYTES = 64 << 20

# Where a child's standard error goes, within its scratch folder.
ERROR_LOG = ".stderr"


def frame(message: dict[str, Any]) -> bytes:
    """A message with its length in front."""
    body = json.dumps(message).encode()
    return HEADER.pack(len(body)) + body


def job(
    kind: str, spec: bytes, sources: Mapping[str, SourceFile], scratch: Path, limits: Limits
) -> dict[str, Any]:
    """What a child is told to do."""
    return {
        "kind": kind,
        "spec": base64.b64encode(spec).decode(),
        "sources": {
            name: [str(each.path.resolve()), each.file_name, each.content_type]
            for name, each in sources.items()
        },
        "scratch": str(scratch.resolve()),
        "limits": vars(limits),
    }


def sources_of(message: dict[str, Any]) -> dict[str, SourceFile]:
    """The sources of a job."""
    return {
        name: SourceFile(Path(path), file_name, content_type)
        for name, (path, file_name, content_type) in message["sources"].items()
    }


def output(made: Output) -> list[str]:
    """How a child names a file that it made."""
    return [made.name, str(made.path), made.content_type, made.file_name]
