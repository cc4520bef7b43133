"""Streams of statuses: the lines that `CreateStream` and `StreamStatus` answer with."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from services.tasks.actions.tasks import Tasks
from services.tasks.api.intake import Intake
from services.tasks.api.replies import Replies
from services.tasks.api.versions import Version
from services.tasks.model import Item


class Streams:
    """Follows tasks for the clients of one version."""

    def __init__(self, version: Version, tasks: Tasks, intake: Intake, replies: Replies) -> None:
        self._messages = version.messages
        self._tasks = tasks
        self._intake = intake
        self._replies = replies

    async def create(self, request: Any) -> AsyncGenerator[Any, None]:
        """Queue tasks; yield the line of their statuses, then one a change until all ended."""
        with self._tasks.following() as feed:
            created = await self._intake.create(request.tasks, request.idempotency_key, feed)
            yield self._list(await self._replies.of_tasks(created))
            async for item in feed.news():
                yield self._line(item)

    async def follow(self, keys: Sequence[str]) -> AsyncGenerator[Any, None]:
        """Yield the line of the statuses of tasks, then one a change until all ended."""
        with self._tasks.following() as feed:
            yield self._list(await self._replies.of_keys(keys, feed=feed))
            async for item in feed.news():
                yield self._line(item)

    def _line(self, item: Item) -> Any:
        return self._messages.StreamLine(status=self._replies.of_item(item))

    def _list(self, statuses: Sequence[Any]) -> Any:
        return self._messages.StreamLine(tasks=self._messages.TaskList(tasks=statuses))
