"""Statuses as one version answers them, one or many."""

import asyncio
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from services.chassis.clients import MESSAGE_LIMIT
from services.chassis.errors import TooLarge
from services.tasks.actions.following import Feed
from services.tasks.actions.tasks import Task, Tasks
from services.tasks.api.statuses import (
    EXPIRED_KEY,
    UNKNOWN_KEY,
    expired,
    status_of,
    status_of_item,
    status_of_unknown,
)
from services.tasks.api.versions import Version
from services.tasks.model import Item

KEY = re.compile(r"[A-Z2-7]{26}")
MOST_AT_ONCE = 200
# Each takes a few more bytes where it stands in the answer.
MOST_BYTES = MESSAGE_LIMIT - 2**18


class Replies:
    """Writes the statuses of tasks."""

    def __init__(self, version: Version, tasks: Tasks, public_url: str) -> None:
        self._version = version
        self._tasks = tasks
        self._public_url = public_url

    async def of_keys(
        self, keys: Sequence[str], *, details: bool = False, feed: Feed | None = None
    ) -> list[Any]:
        """Return the statuses of tasks in the order of the keys; a feed hears of them from there.

        Raises NotFound when all of the tasks expired; one that did among others is no reason to
        keep theirs back. Raises TooLarge for statuses that no answer holds.
        """
        asked = possible(keys)
        found = await (self._tasks.follow(asked, feed) if feed else self._tasks.find(asked))
        gone = await self._tasks.expired([key for key in asked if key not in found])
        if gone.issuperset(keys):
            raise expired("tasks")

        def status(key: str) -> Any:
            if key in found:
                return self._status(found[key], details=details)
            reason = EXPIRED_KEY if key in gone else UNKNOWN_KEY
            return status_of_unknown(self._version, key, reason)

        return await _all(map(status, keys))

    async def of_tasks(self, tasks: Collection[Task]) -> list[Any]:
        """Return the statuses of tasks. Raises TooLarge."""
        return await _all(self._status(task, details=False) for task in tasks)

    def of_item(self, item: Item) -> Any:
        """Return the status of a task that runs, or ran."""
        return status_of_item(self._version, item, self._public_url)

    def _status(self, task: Task, *, details: bool) -> Any:
        return status_of(self._version, task, self._public_url, details=details)


def possible(keys: Sequence[str]) -> list[str]:
    """Return those that look like a key: nothing else needs to be looked for."""
    return [key for key in keys if KEY.fullmatch(key)]


async def _all(statuses: Iterable[Any]) -> list[Any]:
    """Return statuses as they are written, of thousands so many at a time: others get their turn.

    Raises TooLarge for more than an answer holds.
    """
    found, size = [], 0
    for number, status in enumerate(statuses, 1):
        found.append(status)
        size += status.ByteSize()
        if size > MOST_BYTES:
            raise TooLarge("The statuses are too large for one answer: ask for fewer at once.")
        if number % MOST_AT_ONCE == 0:
            await asyncio.sleep(0)
    return found
