"""`TasksService`: the documented Tasks API, version 1 and 2."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from services.tasks.actions.tasks import Tasks
from services.tasks.api.files import Files
from services.tasks.api.intake import Intake, StoredBytes
from services.tasks.api.replies import Replies, possible
from services.tasks.api.streams import Streams
from services.tasks.api.versions import V1, V2, Version
from vitascope.tasks.v1 import tasks_pb2_grpc as grpc_v1
from vitascope.tasks.v2 import tasks_pb2_grpc as grpc_v2


class _Methods:
    """The methods of both versions."""

    def __init__(
        self, version: Version, tasks: Tasks, stored_bytes: StoredBytes, public_url: str
    ) -> None:
        self._version = version
        self._tasks = tasks
        self._intake = Intake(version, tasks, stored_bytes)
        self._replies = Replies(version, tasks, public_url)
        self._streams = Streams(version, tasks, self._intake, self._replies)
        self._files = Files(version, tasks, self._intake, public_url)

    async def Create(self, request: Any, context: Any) -> Any:
        """Queue tasks."""
        created = await self._intake.create(request.tasks, request.idempotency_key)
        if request.block:
            created = await self._tasks.ended(created)
        statuses = await self._replies.of_tasks(created)
        return self._version.messages.CreateResponse(tasks=statuses)

    async def CreateStream(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """Queue tasks and follow them."""
        async with aclosing(self._streams.create(request)) as lines:
            async for line in lines:
                yield line

    async def GetStatus(self, request: Any, context: Any) -> Any:
        """Say how far tasks are."""
        if request.block:
            await self._tasks.wait(possible(request.tasks))
        statuses = await self._replies.of_keys(request.tasks, details=request.details)
        return self._version.messages.GetStatusResponse(tasks=statuses)

    async def StreamStatus(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """Follow tasks."""
        async with aclosing(self._streams.follow(request.tasks)) as lines:
            async for line in lines:
                yield line

    async def CreateFile(self, request: Any, context: Any) -> Any:
        """Queue a task and redirect to a file of it."""
        return await self._files.create(request.task, request, context)

    async def CreateFileByQuery(self, request: Any, context: Any) -> Any:
        """Queue a task that an address tells of and redirect to a file of it."""
        definition = self._version.messages.TaskDefinition(
            task_name=request.task_name, parameters=request.parameters
        )
        return await self._files.create(definition, request, context, texts=True)

    async def GetFile(self, request: Any, context: Any) -> Any:
        """Redirect to a file of a task."""
        return await self._files.get(request, context)


class TasksV1(_Methods, grpc_v1.TasksServiceServicer):
    """Serves version 1."""

    def __init__(self, tasks: Tasks, stored_bytes: StoredBytes, public_url: str) -> None:
        super().__init__(V1, tasks, stored_bytes, public_url)


class TasksV2(_Methods, grpc_v2.TasksServiceServicer):
    """Serves version 2."""

    def __init__(self, tasks: Tasks, stored_bytes: StoredBytes, public_url: str) -> None:
        super().__init__(V2, tasks, stored_bytes, public_url)
