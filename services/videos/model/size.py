"""The size of a frame."""

from typing import Final, NamedTuple


class Size(NamedTuple):
    """A frame in stored pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


SMALLEST: Final = Size(16, 16)
LARGEST: Final = Size(7680, 4320)
