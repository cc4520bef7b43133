"""What of an item is news to somebody who knows how it was before."""

from services.tasks.model.records import MOVES, Item, State

# Within an attempt states come in this order: queued is what follows it, or nothing yet.
_ORDER = {State.EXECUTING: 0, State.SPLIT: 1, State.QUEUED: 2}
_LAST = 3


def is_news(item: Item, before: Item) -> bool:
    """Whether the item is later than it was before; word of it may come late and by two ways."""
    stage, known = _stage(item), _stage(before)
    if stage != known or item.ended:
        return stage > known
    further = (item.percent, item.result) != (before.percent, before.result)
    return further and item.percent >= before.percent


def looks_same(item: Item, before: Item) -> bool:
    """Whether those outside see no difference."""
    return _seen(item) == _seen(before)


def _stage(item: Item) -> tuple[int, int, int]:
    order = _ORDER[item.state] if MOVES[item.state] else _LAST
    return item.requeued, item.attempt, order


def _seen(item: Item) -> tuple[State, float, bytes]:
    return item.shown_state, item.percent, item.result
