"""The stretch of a source that goes into the new file."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Range:
    """A stretch of a video, in seconds of the source's own clock."""

    # What becomes 0 in the new file.
    origin: Fraction
    # None: to the source's end.
    end: Fraction | None = None
    # Whether there is something before the origin that is to be left out.
    cut: bool = False
