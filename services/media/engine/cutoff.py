"""Tells whether a file ends before its own outermost boxes do."""

from pathlib import Path
from typing import BinaryIO

_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_ISO_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"pnot"}


def is_known_container(path: Path) -> bool:
    """Whether the first bytes are those of an ISO (MP4, MOV), Matroska or AVI file."""
    with path.open("rb") as file:
        head = file.read(12)
    iso = head[4:8] in _ISO_BOXES
    return iso or head.startswith(_EBML) or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")


def ends_early(path: Path) -> bool:
    """Whether an outermost ISO box or the Matroska segment runs past the end of the file.

    False for other containers: their ends cannot be told from their structure.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        if head.startswith(_EBML):
            return _segment_end(file) > size
        if head[4:8] in _ISO_BOXES:
            return _boxes_end(file, size) > size
    return False


def _boxes_end(file: BinaryIO, size: int) -> int:
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if length == 0:  # the box reaches to the end of the file
            return size
        if length < 8:
            return position
        position += length
    return position


def _segment_end(file: BinaryIO) -> int:
    file.seek(len(_EBML))
    length = _vint(file)
    file.seek(length or 0, 1)
    if file.read(4) != _SEGMENT:
        return 0
    length = _vint(file)
    # Live recordings leave the length open.
    return 0 if length is None else file.tell() + length


def _vint(file: BinaryIO) -> int | None:
    """An EBML length; None when it is not told."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    value = first[0] - (1 << (8 - width))
    for byte in file.read(width - 1):
        value = value << 8 | byte
    unknown = value == (1 << (7 * width)) - 1
    return None if unknown else value
