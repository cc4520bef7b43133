"""Writes into a mov the colour volume of HDR, for codecs that have no place for it themselves.

FFmpeg's muxer can do so, but PyAV has no way to tell it. A comment keeps room in the
index while the file is made; the room is given to the boxes afterwards, so that
nothing else moves.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from av.container import OutputContainer

from services.media.engine.colour import ColourVolume
from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding

_SILENT_CODECS = {"dnxhd", "ffv1", "prores"}
_COMMENT = b"\xa9cmt"
# Bytes of a comment beside its text, and of a box beside what is in it.
_COMMENT_HEADER, _HEADER = 12, 8
# From a track to the description of its samples, and that one's own fields.
_WAY_DOWN = (b"mdia", b"minf", b"stbl", b"stsd")
_DESCRIPTIONS = 16


def colour_volume_of_index(encoding: Encoding, footage: Footage) -> ColourVolume | None:
    """The colour volume that the index of a file is to tell, since the pictures cannot."""
    if encoding.container == "mov" and encoding.codec in _SILENT_CODECS:
        return footage.colour_volume
    return None


def reserve(target: OutputContainer, volume: ColourVolume) -> None:
    """Keep room in a file that is about to be written."""
    target.metadata["comment"] = "-" * (len(_boxes(volume)) - _COMMENT_HEADER)


def place(path: Path, volume: ColourVolume) -> None:
    """Give the room in a finished file to the colour volume."""
    with path.open("r+b") as file:
        head = file.read(_HEADER)
        while head[4:] != b"moov":
            size = int.from_bytes(head[:4], "big")
            if size == 1:
                size = int.from_bytes(file.read(8), "big") - 8
            file.seek(size - _HEADER, 1)
            head = file.read(_HEADER)
            if len(head) < _HEADER:
                raise ValueError("the file has no index")
        index = bytearray(head + file.read(int.from_bytes(head[:4], "big") - _HEADER))
        _exchange(index, _boxes(volume))
        file.seek(-len(index), 1)
        file.write(index)


def _boxes(volume: ColourVolume) -> bytes:
    """The boxes `mdcv` and `clli`, and an empty one, so that there is always room for a text."""
    boxes = b""
    if volume.mastering:
        red, green, blue, white, (darkest, brightest) = volume.mastering
        numbers = *green, *blue, *red, *white, brightest, darkest
        boxes += struct.pack(">I4s8H2I", 32, b"mdcv", *numbers)
    if volume.light:
        boxes += struct.pack(">I4s2H", 12, b"clli", *volume.light)
    return boxes + struct.pack(">I4s", _HEADER, b"free")


def _exchange(index: bytearray, boxes: bytes) -> None:
    """Take the comment out of an index, and put boxes of the same size into the picture's track."""
    comment = index.rindex(_COMMENT) - 4
    tags = next(start for start, kind in _children(index, 0, _HEADER) if kind == b"udta")
    del index[comment : comment + len(boxes)]
    _grow(index, tags, -len(boxes))
    way = _way_to_description(index)
    end = way[-1] + _size(index, way[-1])
    for box in way:
        _grow(index, box, len(boxes))
    index[end:end] = boxes


def _way_to_description(index: bytearray) -> list[int]:
    """Where the boxes begin that lie around the first description of the picture's samples."""
    for track, kind in _children(index, 0, _HEADER):
        if kind != b"trak":
            continue
        way = [track]
        for wanted in _WAY_DOWN:
            inside = _children(index, way[-1], _HEADER)
            way.append(next(start for start, kind in inside if kind == wanted))
        media = index[way[1] : way[1] + _size(index, way[1])]
        if b"hdlr" in media and b"vide" in media:
            return [*way, way[-1] + _DESCRIPTIONS]
    raise ValueError("the file has no picture")


def _children(index: bytearray, box: int, header: int) -> Iterator[tuple[int, bytes]]:
    """Where the boxes in a box begin, and what they are."""
    position, end = box + header, box + _size(index, box)
    while position + _HEADER <= end:
        yield position, bytes(index[position + 4 : position + 8])
        position += max(_HEADER, _size(index, position))


def _size(index: bytearray, box: int) -> int:
    return int.from_bytes(index[box : box + 4], "big")


def _grow(index: bytearray, box: int, by: int) -> None:
    index[box : box + 4] = (_size(index, box) + by).to_bytes(4, "big")
