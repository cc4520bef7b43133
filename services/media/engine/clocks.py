"""The clock that a new video's times count in."""

import math
from fractions import Fraction

# Clocks finer than this upset players; the other is that of broadcast.
_FINEST = 1_000_000
_BROADCAST = Fraction(1, 90_000)


def clock_of_source(tick: Fraction | None) -> Fraction:
    """A clock for times that count in ticks of so many seconds."""
    return tick if tick is not None and tick.denominator <= _FINEST else _BROADCAST


def clock_of_grid(step: Fraction, offset: Fraction) -> Fraction:
    """A clock for times of so many steps after an offset, in seconds: exact where it may be."""
    exact = Fraction(
        math.gcd(step.numerator * offset.denominator, offset.numerator * step.denominator),
        step.denominator * offset.denominator,
    )
    if exact.denominator <= _FINEST:
        return exact
    return step / max(1, _FINEST // step.denominator)
