"""The first file of a multipart/form-data body, as it streams in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from gateway.problems import bad_request


@dataclass(frozen=True)
class FilePart:
    """What a part's headers say of its file."""

    name: str
    content_type: str


class FirstFile:
    """Takes the first part with a file name, whatever the part's own name, and skips the others."""

    def __init__(self, boundary: bytes) -> None:
        self.found: FilePart | None = None
        self.whole = False
        self._pieces: list[bytes] = []
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._inside = False
        callbacks = {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._on_name,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_part_end": self._on_end,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        except FormParserError as error:
            raise bad_request(f"The body is not multipart/form-data: {error}") from None

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes of the body; return bytes of the file. Raises a 400 Refusal."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise bad_request(f"The body is not multipart/form-data: {error}") from None
        pieces, self._pieces = self._pieces, []
        return pieces

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if self.found is None and b"filename" in options:
            kind = self._headers.get(b"content-type", b"application/octet-stream")
            self.found = FilePart(_file_name(options[b"filename"]), kind.decode("latin-1"))
            self._inside = True

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self._pieces.append(data[start:end])

    def _on_end(self) -> None:
        self.whole = self.whole or self._inside
        self._inside = False


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary of a multipart/form-data content type; None for any other type."""
    kind, options = parse_options_header(content_type)
    return options.get(b"boundary") if kind == b"multipart/form-data" else None


async def open_file(
    boundary: bytes, body: AsyncIterator[bytes]
) -> tuple[FilePart, AsyncIterator[bytes]]:
    """Read up to the first file; return what its headers say and what yields its bytes.

    Both raise a 400 Refusal: for a body that is broken, has no file, or ends before the file does.
    """
    first = FirstFile(boundary)
    async for data in body:
        pieces = first.feed(data)
        if first.found is not None:
            return first.found, _rest(first, pieces, body)
    raise bad_request("The body has no file")


async def _rest(
    first: FirstFile, pieces: list[bytes], body: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    async for data in body:
        for piece in first.feed(data):
            yield piece
    if not first.whole:
        raise bad_request("The body ends before its file does")


def _file_name(raw: bytes) -> str:
    # Some clients send whole paths, with either slash.
    name = raw.decode("utf-8", "replace").replace("\\", "/").rpartition("/")[2]
    return "".join(each for each in name if each.isprintable())[:255]
