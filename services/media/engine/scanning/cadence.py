"""Finds film that was stretched to video: 24 pictures a second, shown as 60 fields."""

from collections.abc import Sequence

# Four pictures of film become five frames, of whose ten fields two are repeats.
_CYCLE = 5
# Repeats that must follow one another in the cadence, and the part of all that must.
_LEAST_STEPS = 8
_LEAST_SHARE = 0.6


def is_telecined(repeats: Sequence[str]) -> bool:
    """Whether fields repeat as 3:2 pulldown repeats them.

    `repeats` has for each frame which of its fields is that of the frame before: top,
    bottom or neither. In pulldown it is a top and a bottom field in turn, two and three
    frames apart; cuts may shift that, and what stands still shows no repeats.
    """
    found = [(place, field) for place, field in enumerate(repeats) if field != "neither"]
    steps = 0
    for (before, field), (middle, other), (after, _) in zip(
        found, found[1:], found[2:], strict=False
    ):
        in_turn = field != other and middle - before in (2, 3)
        steps += in_turn and after - before == _CYCLE
    return steps >= _LEAST_STEPS and steps >= _LEAST_SHARE * (len(found) - 2)
