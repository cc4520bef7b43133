"""What an operation is: a kind of work, what it reads, what it may use, what it makes."""

from collections.abc import Callable, Mapping, Sequence
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

PARTIAL_BYTES = 64 << 10
"""The largest partial result; it is stored and told to all who follow up to five times a second."""

MOST_PARTS = 1000
SPLIT_BYTES = 4 << 20
"""The largest that the specs of all parts of a split may be together."""


@dataclass(frozen=True)
class Source:
    """A file that the operation needs: an address, a video's original, or what a part made."""

    name: str
    url: str | None = None
    video_id: str | None = None
    # The key in storage of what a part of this item made, or where what an address held is kept
    # for the parts; nobody but the worker sets it.
    part_key: str | None = None


def part_file(number: int, name: str) -> str:
    """The name of the source that is the output `name` of the part of that number, from 0."""
    return f"part-{number}-{name}"


@dataclass(frozen=True)
class SourceFile:
    """A source, brought onto this machine."""

    path: Path
    # As the sender called it; the path's own name says nothing.
    file_name: str
    # As the sender declared it; operations decide from the bytes.
    content_type: str | None
    # For a text, as the sender declared it.
    charset: str | None = None
    # Where it was read in the end, should its address have sent on; what it says of other files
    # is relative to it.
    address: str | None = None


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


def _tell_nobody(known: Message) -> None:
    """Tell nothing: where nobody follows."""


@dataclass(frozen=True)
class Job(Generic[Spec]):
    """One run of an operation."""

    spec: Spec
    # By the names that the operation's `sources` gave; what parts made by `part_file`.
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
    # Takes what is known of the result so far, of the operation's `result_type` and at most
    # PARTIAL_BYTES long; each replaces the one before.
    partial: Callable[[Message], None] = _tell_nobody
    # The results of the parts that an earlier attempt split this into, in their order; empty
    # when it was not split.
    parts: Sequence[Message] = ()


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
class Part:
    """A piece of an item's work; `weight` is how much of it, beside the other parts."""

    kind: str
    # Of the kind's `spec_type`. It reads no sources that the whole does not read.
    spec: Message
    weight: float = 1.0


@dataclass(frozen=True)
class Split:
    """Hands the rest on: a later attempt is given the results of these parts, in this order.

    At most MOST_PARTS and SPLIT_BYTES. A part cannot be split, nor can an item twice; the result
    of a part may be 8 KiB long, so that those of all can be carried together.
    """

    parts: tuple[Part, ...]


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
    run: Callable[[Job[Any]], Result | Split]
    # What outputs become to a video, by name. Said here, and not by a run: a run may have been
    # taken over by the file that it decodes.
    roles: Mapping[str, Role.ValueType] = field(default_factory=dict)
    # The kinds of the parts that it may be split into; said here for the same reason.
    parts: frozenset[str] = frozenset()
