"""What HTTP headers say about a file: ranges, validators, names and types (RFC 9110, 6266)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from mimetypes import MimeTypes
from urllib.parse import quote

from services.media.model.files import RangeNotSatisfiable

OCTETS = "application/octet-stream"

# Longer than any honest header; what is longer is read as if it were absent.
_MAX_HEADER = 1000
_BYTES = re.compile(r"bytes=(.*)", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]*)-([0-9]*)")
_ENTITY_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_MEDIA_TYPE = re.compile(
    rf'{_WORD}/{_WORD}([ \t]*;[ \t]*{_WORD}=({_WORD}|"[\x20\x21\x23-\x7e]*"))*'
)
_ATTR_CHAR = "!#$&+-.^_`|~"

# No system files: the same answer on every machine.
_TYPES = MimeTypes(filenames=())
for _type, _extensions in {
    "application/mxf": [".mxf"],
    "video/mp2t": [".ts", ".mts", ".m2ts"],
    "video/x-matroska": [".mkv"],
}.items():
    for _extension in _extensions:
        _TYPES.add_type(_type, _extension)


@dataclass(frozen=True)
class ByteRange:
    """Bytes `start` (included) to `end` (excluded) of a file of `size` bytes."""

    start: int
    end: int
    size: int

    def __str__(self) -> str:
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


def parse_range(header: str, size: int) -> ByteRange | None:
    """Return the range of a file of `size` bytes that a Range header asks for.

    None means the whole file: no header, another unit, a malformed one, or several ranges (RFC
    9110, 14.2 lets a server ignore any). Raises RangeNotSatisfiable for a range behind the end.
    """
    unit = _BYTES.fullmatch(header.strip()) if len(header) <= _MAX_HEADER else None
    if unit is None or size == 0:
        return None
    ranges = [part.strip() for part in unit[1].split(",") if part.strip()]
    found = _RANGE.fullmatch(ranges[0]) if len(ranges) == 1 else None
    if found is None or found[0] == "-":
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < start:
            return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return ByteRange(start, end, size)


def entity_tag(sha256: str) -> str:
    """The strong ETag of a file."""
    return f'"{sha256}"'


def is_known(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match header names `etag`, by weak comparison (RFC 9110, 13.1.2)."""
    return if_none_match.strip() == "*" or etag in (tag for _, tag in _tags(if_none_match))


def range_applies(if_range: str, etag: str) -> bool:
    """Whether a Range counts under this If-Range header, by strong comparison.

    A date never matches: it has whole seconds, so it cannot prove that nothing changed.
    """
    return not if_range or ("", etag) in _tags(if_range)


def content_disposition(file_name: str) -> str:
    """The header that offers a file under its name (RFC 6266): plain for old clients, and exact."""
    plain = "".join(
        char if " " <= char <= "~" and char not in '"\\%' else "_" for char in file_name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, _ATTR_CHAR)}"


def content_type_of(declared: str, file_name: str) -> str:
    """The MIME type of an uploaded file: as declared, else by the extension of its name.

    `application/octet-stream` counts as not declared: senders write it when they do not know.
    """
    if len(declared) <= 255 and _MEDIA_TYPE.fullmatch(declared) and declared.lower() != OCTETS:
        return declared
    return _TYPES.guess_type(f"file:{quote(file_name)}")[0] or OCTETS


def _tags(header: str) -> Iterable[tuple[str, str]]:
    return [(weak, tag) for weak, tag in _ENTITY_TAG.findall(header)]
