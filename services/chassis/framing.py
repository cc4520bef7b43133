"""Messages that hold nothing but many bytes, put together without handling these more than once.

The library's own way copies them into the message, into its buffer as that grows, and into the
result: two thirds of what it took a server to send a file.
"""

from collections.abc import Callable, Sequence
from typing import Any

_LENGTH_DELIMITED = 2


def framed(path: Sequence[int], data: bytes) -> bytes:
    """A message, in its wire format, of which only one field is set.

    `path` are the numbers of the fields that lead to it: all but the last hold messages.
    """
    heads: list[bytes] = []
    length = len(data)
    for number in reversed(path):
        head = _varint(number << 3 | _LENGTH_DELIMITED) + _varint(length)
        heads.insert(0, head)
        length += len(head)
    return b"".join((*heads, data))


def unless_framed(serialize: Callable[[Any], bytes] | None) -> Callable[[Any], bytes] | None:
    """Serialize messages but for those that are in their wire format already."""
    if serialize is None:
        return None
    return lambda message: message if isinstance(message, bytes) else serialize(message)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
