"""What one transaction changes in the ledger."""

from collections.abc import Callable, Iterable
from datetime import datetime

from services.chassis.database import Tx
from services.tasks.model import Item, State


class Batch:
    """Items that are locked until `tx` ends, as they are with the batch's changes so far.

    `now` is the moment of every change. `added` are new items as they were stored, `moved` the
    changes (before, after), both in order; they are announced in that order too. `after_commit` is
    called once all of it is stored.
    """

    def __init__(self, tx: Tx, now: datetime, locked: Iterable[Item]) -> None:
        self.tx = tx
        self.now = now
        self.moved: list[tuple[Item, Item]] = []
        self.added: list[Item] = []
        self.after_commit: list[Callable[[], None]] = []
        self._before = {item.item_id: item for item in locked}
        self._after = dict(self._before)

    def find(self, item_id: str) -> Item | None:
        """Return a locked item; None when it does not exist."""
        return self._after.get(item_id)

    def locked(self) -> list[Item]:
        """Return all items that are locked so far."""
        return list(self._after.values())

    def adopt(self, locked: Iterable[Item]) -> list[Item]:
        """Take in items that were locked later; return them as they are in this batch."""
        found = []
        for item in locked:
            self._before.setdefault(item.item_id, item)
            found.append(self._after.setdefault(item.item_id, item))
        return found

    def change(self, after: Item) -> None:
        """Change a locked item and announce it."""
        self.moved.append((self._after[after.item_id], after))
        self._after[after.item_id] = after

    def change_quietly(self, after: Item) -> None:
        """Change a locked item in a way that concerns nobody else."""
        self._after[after.item_id] = after

    def queued_again(self) -> bool:
        """Whether the batch brings an item back into the queue."""
        return any(after.state is State.QUEUED for _, after in self.moved)

    def queued_new(self) -> list[Item]:
        """Return what the batch adds to the queue."""
        return [item for item in self.added if item.state is State.QUEUED]

    def leaves_new(self) -> bool:
        """Whether an added item waits that nobody was given."""
        return any(item.item_id not in self._after for item in self.queued_new())

    def changes(self) -> list[tuple[Item, Item]]:
        """Return the items that are not any more what is stored of them (before, after)."""
        pairs = ((before, self._after[item_id]) for item_id, before in self._before.items())
        return [(before, after) for before, after in pairs if before is not after]
