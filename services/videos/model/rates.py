"""Frame rates: exact values, the tags, and the nearest one that a format has."""

from collections.abc import Iterable
from fractions import Fraction
from math import log

_NTSC = tuple(Fraction(base * 1000, 1001) for base in (24, 30, 48, 60, 120))
_NTSC_MARGIN = Fraction(5, 1000)
"""People write 23.98 for 24000/1001, which is 23.976."""
_LARGEST_DENOMINATOR = 1001
_CLOSE_TO_WHOLE = 0.002
"""59.94 to 30 counts as every second frame: the thousandth between them shows nowhere."""

TAGS = {
    "film_ntsc": Fraction(24000, 1001),
    "film": Fraction(24),
    "video_pal": Fraction(25),
    "video_ntsc": Fraction(30000, 1001),
    "video_hd": Fraction(30),
    "video_pal_fast": Fraction(50),
    "video_ntsc_fast": Fraction(60000, 1001),
    "video_hd_fast": Fraction(60),
    "video_uhd_fast": Fraction(120),
}
"""Frames per second by the word of `frameRate.tag`."""

BROADCAST = tuple(rate for rate in TAGS.values() if rate <= 60)
"""The eight rates of MPEG-2 and of VC-3."""
XDCAM = (Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001))
"""The rates of XDCAM HD422 at 1920x1080."""
MXF = (*BROADCAST, Fraction(48), Fraction(100), Fraction(120))
"""Rates that an MXF file can have."""


def exact(fps: float) -> Fraction:
    """Return frames per second as the fraction that is meant: 29.97 is 30000/1001."""
    for rate in _NTSC:
        if abs(fps - rate) < _NTSC_MARGIN:
            return rate
    return Fraction(fps).limit_denominator(_LARGEST_DENOMINATOR)


def nearest(rate: Fraction, possible: Iterable[Fraction]) -> Fraction:
    """Return the rate of `possible` that changes least.

    One that keeps or repeats every n-th frame comes before one that stutters, however near.
    """

    def change(other: Fraction) -> tuple[bool, float, float]:
        ratio = max(other / rate, rate / other)
        uneven = float(abs(ratio - round(ratio)) / ratio)
        return uneven > _CLOSE_TO_WHOLE, round(log(ratio), 2), uneven

    return min(possible, key=change)


def words(rates: Iterable[Fraction]) -> str:
    """Rates as a sentence lists them."""
    return ", ".join(f"{float(rate):.3f}".rstrip("0").rstrip(".") for rate in sorted(rates))
