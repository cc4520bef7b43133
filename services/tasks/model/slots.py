"""How many items, and of which lanes, a worker is given at once."""

from collections.abc import Collection
from datetime import timedelta

from services.tasks.model.records import Lane

AHEAD_TIME = timedelta(milliseconds=100)
"""How long a short item may be with a worker while the worker is given items ahead of time."""

MAX_AHEAD = 48


def open_lanes(slots: int, held: Collection[Lane], ahead: int = 0) -> frozenset[Lane]:
    """Return the lanes in which a worker takes another item.

    A worker with several slots keeps the last one for short work, so that short work never waits
    for long work to end. `ahead` is how many short items it takes beyond its slots, unless long
    work has them all.
    """
    longs = sum(lane is Lane.LONG for lane in held)
    has_slot = len(held) < slots
    lanes = set()
    if has_slot and longs < max(slots - 1, 1):
        lanes.add(Lane.LONG)
    if has_slot or (longs < slots and len(held) < slots + ahead):
        lanes.add(Lane.SHORT)
    return frozenset(lanes)


def more_ahead(ahead: int, took: timedelta) -> int:
    """Return how many short items a worker takes beyond its slots, after one took so long.

    That long it was the worker's, waiting for a slot included. While this is short, more make no
    difference to anybody but keep the worker from idling between two items.
    """
    if took > AHEAD_TIME:
        return ahead // 2
    return min(ahead + 1, MAX_AHEAD)
