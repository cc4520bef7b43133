"""Items that are done in parts: what the parts are, and how far they bring the whole."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.tasks.model.moves import JOIN_PART, advance, join
from services.tasks.model.records import LEDGER, Item, State, Submission


@dataclass(frozen=True)
class Part:
    """A piece of an item's work, as a worker asks for it; `weight` is how much it is, beside the
    other pieces."""

    kind: str
    spec: bytes
    weight: float


@dataclass(frozen=True)
class Tally:
    """How far the parts of an item are.

    `ended` and `failed` (called off included) are counts of them, `percent` is the weighted mean
    of their progress, and `begun_at` is when the first of them was begun.
    """

    parts: int
    ended: int
    failed: int
    percent: float
    begun_at: datetime | None


def submissions_of(whole: Item, parts: Sequence[Part], destination: bytes) -> list[Submission]:
    """Return the parts of an item that was just split as work of its account."""
    return [
        Submission(
            owner=LEDGER,
            account_id=whole.account_id,
            request_id=f"{whole.item_id}/{whole.attempt}/{number}",
            kind=part.kind,
            spec=part.spec,
            destination=destination,
            priority=whole.priority,
            lane=whole.lane,
        )
        for number, part in enumerate(parts)
    ]


def shares_of(parts: Sequence[Part]) -> list[float]:
    """Return how much each part is of the largest one, so that sums stay within numbers."""
    largest = max(part.weight for part in parts)
    return [part.weight / largest for part in parts]


def follow(whole: Item, tally: Tally, now: datetime) -> Item:
    """Return a split item as its parts, none of which failed, bring it: on, or to its joining."""
    if whole.state is not State.SPLIT:
        return whole
    if tally.ended == tally.parts:
        return join(whole, now)
    begun = whole.split_percent or 0.0
    done = tally.percent / 100.0 * (1.0 - JOIN_PART)
    percent = advance(whole.percent, begun + (100.0 - begun) * done)
    if percent == whole.percent or not done or tally.begun_at is None:
        return whole
    took = max((now - tally.begun_at).total_seconds(), 0.0)
    return replace(whole, percent=percent, eta_seconds=took * (1.0 - done) / done)
