"""Which bytes of a file a Range header asks for, and the body that carries them (RFC 9110, 14)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from services.media.model.files import RangeNotSatisfiable

MAX_RANGES = 50
"""More ranges than that are no honest request: they only make work (RFC 9110, 17.15)."""

# As much as MAX_RANGES of any size take; and `int` refuses numbers that are longer still.
_MAX_HEADER = 4000
_BYTES = re.compile(r"bytes=(.*)", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]*)-([0-9]*)")
# Ranges this near to each other cost less as one than the headers of another part.
_NEAR = 80


@dataclass(frozen=True)
class ByteRange:
    """Bytes `start` (included) to `end` (excluded) of a file of `size` bytes."""

    start: int
    end: int
    size: int

    def __str__(self) -> str:
        return f"bytes {self.start}-{self.end - 1}/{self.size}"

    def __len__(self) -> int:
        return self.end - self.start


Piece: TypeAlias = bytes | ByteRange


@dataclass(frozen=True)
class Body:
    """What is sent: bytes of the file, and between several ranges bytes that tell them apart."""

    content_type: str
    pieces: tuple[Piece, ...]

    def __len__(self) -> int:
        return sum(map(len, self.pieces))


def parse_ranges(header: str, size: int) -> tuple[ByteRange, ...]:
    """Return the ranges of a file of `size` bytes that a Range header asks for.

    They come in the order of the header, but those that overlap or lie near each other are one.
    None at all means the whole file: no header, another unit, a malformed one, or too many ranges
    (RFC 9110, 14.2 lets a server ignore any). Raises RangeNotSatisfiable when all lie behind the
    end.
    """
    unit = _BYTES.fullmatch(header.strip(" \t")) if len(header) <= _MAX_HEADER else None
    if unit is None or size == 0:
        return ()
    members = [member for text in unit[1].split(",") if (member := text.strip(" \t"))]
    found = [_RANGE.fullmatch(member) for member in members]
    if not 0 < len(found) <= MAX_RANGES:
        return ()
    asked: list[ByteRange] = []
    for match in found:
        if match is None or not _is_valid(match):
            return ()
        asked += _satisfiable(match, size)
    if not asked:
        raise RangeNotSatisfiable(size)
    return _coalesced(asked)


def body_of(content_type: str, size: int, ranges: Sequence[ByteRange], boundary: str) -> Body:
    """The body that carries ranges of a file, all of it where there are none.

    `boundary` separates several ranges from each other: the file must not contain it.
    """
    if not ranges:
        return Body(content_type, (ByteRange(0, size, size),))
    if len(ranges) == 1:
        return Body(content_type, (ranges[0],))
    pieces: list[Piece] = []
    for part in ranges:
        head = f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {part}\r\n\r\n"
        pieces += [(b"\r\n" if pieces else b"") + head.encode(), part]
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    return Body(f"multipart/byteranges; boundary={boundary}", tuple(pieces))


def _is_valid(match: re.Match[str]) -> bool:
    first, last = match.groups()
    return bool(first or last) and not (first and last and int(last) < int(first))


def _satisfiable(match: re.Match[str], size: int) -> list[ByteRange]:
    first, last = match.groups()
    if first:
        start, end = int(first), min(int(last) + 1 if last else size, size)
    else:
        start, end = max(0, size - int(last)), size
    return [ByteRange(start, end, size)] if start < end else []


def _coalesced(asked: Iterable[ByteRange]) -> tuple[ByteRange, ...]:
    """Make one of ranges that touch; each stands where the first that it is made of stood."""
    merged: list[tuple[int, ByteRange]] = []
    for place, part in sorted(enumerate(asked), key=lambda item: item[1].start):
        if merged and part.start <= merged[-1][1].end + _NEAR:
            first, before = merged[-1]
            whole = ByteRange(before.start, max(before.end, part.end), part.size)
            merged[-1] = (min(first, place), whole)
        else:
            merged.append((place, part))
    return tuple(part for _, part in sorted(merged, key=lambda item: item[0]))
