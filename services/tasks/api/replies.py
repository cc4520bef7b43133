"""Statuses as one version answers them, one or many."""

import asyncio
import re
from collections.abc import Collection, Sequence
from typing import Any

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
        keep theirs back.
        """
        asked = possible(keys)
        found = await (self._tasks.follow(asked, feed) if feed else self._tasks.find(asked))
        gone = await self._tasks.expired([key for key in asked if key not in found])
        if gone.issuperset(keys):
            raise expired("tasks")
        statuses = []
        for number, key in enumerate(keys, 1):
            if key in found:
                statuses.append(self._status(found[key], details=details))
            else:
                reason = EXPIRED_KEY if key in gone else UNKNOWN_KEY
                statuses.append(status_of_unknown(self._version, key, reason))
            await _breathe(number)
        return statuses

    async def of_tasks(self, tasks: Collection[Task]) -> list[Any]:
        """Return the statuses of tasks."""
        statuses = []
        for number, task in enumerate(tasks, 1):
            statuses.append(self._status(task, details=False))
            await _breathe(number)
        return statuses

    def of_item(self, item: Item) -> Any:
        """Return the status of a task that runs, or ran."""
        return status_of_item(self._version, item, self._public_url)

    def _status(self, task: Task, *, details: bool) -> Any:
        return status_of(self._version, task, self._public_url, details=details)


def possible(keys: Sequence[str]) -> list[str]:
    """Return those that look like a key: nothing else needs to be looked for."""
    return [key for key in keys if KEY.fullmatch(key)]


async def _breathe(number: int) -> None:
    """Let others have their turn now and then while thousands are written."""
    if number % MOST_AT_ONCE == 0:
        await asyncio.sleep(0)
