"""What an operation is: a kind of work, what it reads, what it may use, what it makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from vitascope.media.v1.internal_pb2 import Role

Spec = TypeVar("Spec", bound=Message)

GIB = 1 << 30
HOUR = 3600

CHECKPOINT_BYTES = 512 << 10
"""The largest state that a run can save; the ledger takes no larger one."""


@dataclass(frozen=True)
class Source:
    """A file that the operation needs: either an address, or a video's original."""

    name: str
    url: str | None = None
    video_id: str | None = None


@dataclass(frozen=True)
class SourceFile:
    """A source, brought onto this machine."""

    path: Path
    # As the sender called it; the path's own name says nothing.
    file_name: str
    # As the sender declared it; operations decide from the bytes.
    content_type: str | None


@dataclass(frozen=True)
class Limits:
    """What one run may use before it is killed."""

    memory_bytes: int
    cpu_seconds: int
    # Of all files that it has at a time, together.
    output_bytes: int
    open_files: int
    wall_seconds: float


def _forget(state: bytes) -> None:
    """Save nothing: where no other attempt can follow."""


@dataclass(frozen=True)
class Job(Generic[Spec]):
    """One run of an operation."""

    spec: Spec
    # By the names that the operation's `sources` gave.
    sources: Mapping[str, SourceFile]
    # A folder of this run's own; outputs are written into it.
    scratch: Path
    # Takes the percentage done, 0 to 100.
    progress: Callable[[float], None]
    # What an earlier attempt saved last; empty when there is nothing.
    state: bytes = b""
    # Saves a state of at most CHECKPOINT_BYTES, which a later attempt is given
    # should this one not come to its end.
    checkpoint: Callable[[bytes], None] = _forget


@dataclass(frozen=True)
class Output:
    """A file that the operation made."""

    name: str
    path: Path
    content_type: str
    # To offer on download.
    file_name: str


@dataclass(frozen=True)
class Result:
    """What a run found and made. Fields of the message that hold addresses stay empty."""

    message: Message
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True)
class Operation:
    """A kind of work that this room can do.

    `sources` lists what a spec wants fetched. `run` raises BadMedia when the
    input is at fault, and anything else when we are.
    """

    kind: str
    spec_type: type[Message]
    result_type: type[Message]
    limits: Limits
    sources: Callable[[Any], list[Source]]
    run: Callable[[Job[Any]], Result]
    # What outputs become to a video, by name. Said here, and not by a run: a run may have been
    # taken over by the file that it decodes.
    roles: Mapping[str, Role.ValueType] = field(default_factory=dict)
