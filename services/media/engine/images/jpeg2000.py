"""Finds the tags of Exif in a JP2 file, where Pillow does not look."""

from typing import IO

_HEADER = 8
_LARGE = 1
_UUID = b"uuid" + b"JpgTiffExif->JP2"
_MOST_BOXES = 100
_MOST_BYTES = 1 << 20


def exif_block(file: IO[bytes]) -> bytes | None:
    """The tags as TIFF, from the box that ExifTool and others keep them in; None without one.

    Where in the file reading goes on stays as it was.
    """
    place = file.tell()
    try:
        file.seek(0)
        return _found(file)
    finally:
        file.seek(place)


def _found(file: IO[bytes]) -> bytes | None:
    for _ in range(_MOST_BOXES):
        start = file.tell()
        head = file.read(len(_UUID) + 4)
        size = int.from_bytes(head[:4], "big")
        if size == _LARGE:
            size = int.from_bytes(head[8:16], "big")
        if head[4:] == _UUID:
            # A size of 0 goes to the end of the file.
            length = size - len(head) if size else _MOST_BYTES
            return file.read(min(max(0, length), _MOST_BYTES))
        if size < _HEADER:
            return None
        file.seek(start + size)
    return None
