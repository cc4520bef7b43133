"""`TasksService`: the documented Tasks API, version 1 and 2."""

import re
from collections.abc import Sequence
from typing import Any

from services.tasks.actions.tasks import Tasks
from services.tasks.api.files import Files
from services.tasks.api.intake import Intake, StoredBytes
from services.tasks.api.statuses import (
    EXPIRED_KEY,
    UNKNOWN_KEY,
    expired,
    status_of,
    status_of_unknown,
)
from services.tasks.api.versions import V1, V2, Version
from vitascope.tasks.v1 import tasks_pb2_grpc as grpc_v1
from vitascope.tasks.v2 import tasks_pb2_grpc as grpc_v2

KEY = re.compile(r"[A-Z2-7]{26}")


class _Methods:
    """The methods of both versions."""

    def __init__(
        self, version: Version, tasks: Tasks, stored_bytes: StoredBytes, public_url: str
    ) -> None:
        self._version = version
        self._tasks = tasks
        self._public_url = public_url
        self._intake = Intake(version, tasks, stored_bytes)
        self._files = Files(version, tasks, self._intake, public_url)

    async def Create(self, request: Any, context: Any) -> Any:
        """Queue tasks."""
        created = await self._intake.create(request.tasks, request.idempotency_key)
        if request.block:
            created = await self._tasks.ended(created)
        statuses = [
            status_of(self._version, task, self._public_url, details=False) for task in created
        ]
        return self._version.messages.CreateResponse(tasks=statuses)

    async def GetStatus(self, request: Any, context: Any) -> Any:
        """Say how far tasks are."""
        if request.block:
            await self._tasks.wait(_possible(request.tasks))
        statuses = await self._statuses(request.tasks, details=request.details)
        return self._version.messages.GetStatusResponse(tasks=statuses)

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

    async def _statuses(self, keys: Sequence[str], *, details: bool) -> list[Any]:
        """Return statuses. Raises NotFound when all of the tasks expired; one that did among
        others is no reason to keep theirs back."""
        found = await self._tasks.find(_possible(keys))
        gone = await self._tasks.expired([key for key in _possible(keys) if key not in found])
        if gone.issuperset(keys):
            raise expired("tasks")
        return [
            status_of(self._version, found[key], self._public_url, details=details)
            if key in found
            else status_of_unknown(self._version, key, EXPIRED_KEY if key in gone else UNKNOWN_KEY)
            for key in keys
        ]


class TasksV1(_Methods, grpc_v1.TasksServiceServicer):
    """Serves version 1."""

    def __init__(self, tasks: Tasks, stored_bytes: StoredBytes, public_url: str) -> None:
        super().__init__(V1, tasks, stored_bytes, public_url)


class TasksV2(_Methods, grpc_v2.TasksServiceServicer):
    """Serves version 2."""

    def __init__(self, tasks: Tasks, stored_bytes: StoredBytes, public_url: str) -> None:
        super().__init__(V2, tasks, stored_bytes, public_url)


def _possible(keys: Sequence[str]) -> list[str]:
    """Return those that look like a key: nothing else needs to be looked for."""
    return [key for key in keys if KEY.fullmatch(key)]
