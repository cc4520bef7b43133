"""Several messages of a worker's line in one: on their own, ten cost ten times as much."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from vitascope.work.v1.work_pb2 import WorkRequest, WorkResponse

Said = TypeVar("Said", WorkRequest, WorkResponse)

BUNDLE_BYTES = 2**20
"""How large a message of several becomes: far less than gRPC's limit."""


def bundled(messages: Iterable[Said]) -> Iterator[Said]:
    """Yield few messages that say it all, in the same order. The given ones may be changed."""
    head: Said | None = None
    size = 0
    for message in messages:
        length = message.ByteSize()
        size += length
        if head is None or size > BUNDLE_BYTES:
            if head is not None:
                yield head
            head, size = message, length
        else:
            head.more.append(message)
    if head is not None:
        yield head


def unbundled(message: Said) -> Iterator[Said]:
    """Yield what was said together, one after the other."""
    yield message
    yield from message.more
