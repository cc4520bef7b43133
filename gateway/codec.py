"""JSON bytes to messages and back by the conventions of a surface."""

import asyncio
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gateway import jsontext
from gateway.problems import Refusal, bad_request
from gateway.reading import Reader
from gateway.scalars import Mismatch
from gateway.surface import Surface
from services.chassis.errors import Violation
from services.chassis.writing import Writer, to_json

# Hundreds of statuses; to write them takes milliseconds.
_AT_ONCE_BYTES = 64 * 2**10


class Codec:
    """Readers and writers of one surface, each compiled once."""

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        self.reader = Reader(refuses_unknown=surface.refuses_unknown)
        self._writer = Writer(surface.write_time)

    def body_reader(self, descriptor: Descriptor, body: str) -> Callable[[bytes, Message], None]:
        """Return what fills a request from its JSON body: all of it for `*`, else that field.

        No bytes at all are as good as an empty object. It raises Refusal.
        """
        if body == "*":
            read = self.reader.message(descriptor)
        else:
            fill = self.reader.field(descriptor.fields_by_name[body])
            read = lambda value, message: fill(message, value)  # noqa: E731

        def parse(text: bytes, message: Message) -> None:
            try:
                read(jsontext.parse(text) if text.strip() else {}, message)
            except jsontext.BadJson as error:
                raise bad_request(str(error), Violation("body", str(error))) from None
            except Mismatch as mismatch:
                raise refusal_of_mismatch(mismatch, "body") from None

        return parse

    def writer(self, descriptor: Descriptor, response_body: str) -> Callable[[Message], bytes]:
        """Return what writes a response, or only that field of it when one is named."""
        write: Callable[[Any], Any]
        if response_body:
            write = self._writer.field(descriptor.fields_by_name[response_body])
        else:
            write = self._writer.message(descriptor)
        return lambda message: to_json(write(message))


async def written(write: Callable[[Message], bytes], message: Message) -> bytes:
    """Return what a writer makes of a message; a large one does not hold others up."""
    if message.ByteSize() > _AT_ONCE_BYTES:
        return await asyncio.to_thread(write, message)
    return write(message)


def refusal_of_mismatch(mismatch: Mismatch, location: str) -> Refusal:
    """Return the 400 that names the place and what was expected there."""
    place = mismatch.path or "body"
    violation = Violation(place, mismatch.expected, location)
    return bad_request(f"{place} {mismatch.expected}", violation)
