"""The size of a frame."""

from typing import Final, NamedTuple


class Size(NamedTuple):
    """A frame in stored pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    def within(self, least: "Size", most: "Size") -> bool:
        """Whether both sides are in their limits."""
        wide = least.width <= self.width <= most.width
        return wide and least.height <= self.height <= most.height


SMALLEST: Final = Size(16, 16)
LARGEST: Final = Size(7680, 4320)
"""What may be asked for; an upright original may be higher and stay so."""
