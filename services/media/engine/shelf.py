"""Coded pictures in a file of their own, on their way from one machine to another.

Unlike a film's container it keeps every time to the tick, and nothing in it is
interpreted by whoever reads it. Records of pictures come first, in the order of
decoding; what is true of all of them stands at the end.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Self

_RECORD = struct.Struct(">qq?I")
_LENGTH = struct.Struct(">I")
_MOST_FOOT = 1 << 20


@dataclass(frozen=True)
class Coded:
    """A coded picture: when it is shown and for how long, in ticks, and whether it stands alone."""

    shown: int
    duration: int
    is_key: bool
    data: bytes


@dataclass(frozen=True)
class Label:
    """What is true of all pictures on a shelf."""

    # Seconds of a tick.
    clock: Fraction
    # By how many pictures decoding is ahead of showing.
    delay: int
    # What a decoder is to be told first, where the container keeps that apart.
    headers: bytes
    pictures: int


class Shelf:
    """A shelf that is being filled. Use as a context; it is whole once it has its label."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self.pictures = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, coded: Coded) -> None:
        """Put the next picture, in the order of decoding, onto the shelf."""
        size = len(coded.data)
        self._file.write(_RECORD.pack(coded.shown, coded.duration, coded.is_key, size))
        self._file.write(coded.data)
        self.pictures += 1

    def label(self, clock: Fraction, delay: int, headers: bytes) -> None:
        """Say what is true of all pictures; there are no more."""
        told = {
            "clock": [clock.numerator, clock.denominator],
            "delay": delay,
            "headers": headers.hex(),
            "pictures": self.pictures,
        }
        foot = json.dumps(told).encode()
        self._file.write(foot + _LENGTH.pack(len(foot)))


class FilledShelf:
    """A shelf to read from. Raises ValueError or EOFError for a file that is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.label = self._label()

    def times(self) -> list[int]:
        """When the pictures are shown, in ticks, in that order."""
        with self._path.open("rb") as file:
            shown = []
            for _ in range(self.label.pictures):
                time, _, _, size = _record(file)
                shown.append(time)
                file.seek(size, 1)
        return sorted(shown)

    def __iter__(self) -> Iterator[Coded]:
        """The pictures in the order of decoding."""
        with self._path.open("rb") as file:
            for _ in range(self.label.pictures):
                time, duration, is_key, size = _record(file)
                yield Coded(time, duration, is_key, _exactly(file, size))

    def _label(self) -> Label:
        with self._path.open("rb") as file:
            end = file.seek(-_LENGTH.size, 2)
            (size,) = _LENGTH.unpack(file.read(_LENGTH.size))
            if size > min(end, _MOST_FOOT):
                raise ValueError("not a shelf of pictures")
            file.seek(end - size)
            told = json.loads(file.read(size))
        return Label(
            Fraction(*told["clock"]),
            int(told["delay"]),
            bytes.fromhex(told["headers"]),
            int(told["pictures"]),
        )


def _record(file: BinaryIO) -> tuple[int, int, bool, int]:
    time, duration, is_key, size = _RECORD.unpack(_exactly(file, _RECORD.size))
    return time, duration, is_key, size


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError("a shelf of pictures ends early")
    return data
