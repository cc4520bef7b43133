"""Undoes the compression that a server insists on, a bounded piece at a time."""

import zlib
from collections.abc import Iterator
from typing import Protocol

from services.chassis.outside import OutsideRefused

_PIECE_BYTES = 1 << 20
# zlib's numbers for "gzip", and for "deflate" in its zlib wrapping.
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Decoder(Protocol):
    """Turns what comes over the wire into the file's bytes."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The bytes that some more of the body stands for. Raises OutsideRefused."""

    def finish(self) -> None:
        """Note the end of the body. Raises OutsideRefused when something is missing."""


def decoder_for(encoding: str, host: str) -> Decoder:
    """The decoder for a Content-Encoding. Raises OutsideRefused for one that was not asked for."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return _Identity()
    # Two in a row would make gigabytes out of a few kilobytes in one step.
    if encoding not in _WINDOWS:
        raise OutsideRefused(f"The server {host} compresses in a way that was not asked for.")
    return _Inflating(_WINDOWS[encoding], host)


class _Identity:
    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        """Nothing is ever missing."""


class _Inflating:
    def __init__(self, window: int, host: str) -> None:
        self._window = window
        self._zlib = zlib.decompressobj(window)
        self._host = host

    def pieces(self, data: bytes) -> Iterator[bytes]:
        piece = b""
        # After a full piece more may be ready, though all that came was taken.
        while data or (len(piece) == _PIECE_BYTES and not self._zlib.eof):
            if self._zlib.eof:
                # A gzip file may be several, one after the other.
                self._zlib = zlib.decompressobj(self._window)
            try:
                piece = self._zlib.decompress(data, _PIECE_BYTES)
            except zlib.error as error:
                raise self._broken() from error
            yield piece
            data = self._zlib.unconsumed_tail or self._zlib.unused_data

    def finish(self) -> None:
        if not self._zlib.eof:
            raise self._broken()

    def _broken(self) -> OutsideRefused:
        return OutsideRefused(f"The server {self._host} does not compress as it says.")
