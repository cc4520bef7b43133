"""`TasksService`: the documented Tasks API, version 1 and 2."""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from services.chassis.auth import identity
from services.chassis.errors import Unauthenticated
from services.tasks.actions.tasks import Name, Tasks
from services.tasks.api.definitions import read_definition
from services.tasks.api.statuses import status_of, status_of_unknown
from services.tasks.api.versions import V1, V2, Version
from vitascope.tasks.v1 import tasks_pb2 as tasks_v1
from vitascope.tasks.v1 import tasks_pb2_grpc as grpc_v1
from vitascope.tasks.v2 import tasks_pb2 as tasks_v2
from vitascope.tasks.v2 import tasks_pb2_grpc as grpc_v2

KEY = re.compile(r"[A-Z2-7]{26}")


class TasksV1(grpc_v1.TasksServiceServicer):
    """Serves version 1."""

    def __init__(self, tasks: Tasks, public_url: str) -> None:
        self._door = _Door(V1, tasks, public_url)

    async def Create(
        self, request: tasks_v1.CreateRequest, context: Any
    ) -> tasks_v1.CreateResponse:
        """Queue tasks."""
        return tasks_v1.CreateResponse(tasks=await self._door.create(request))

    async def GetStatus(
        self, request: tasks_v1.GetStatusRequest, context: Any
    ) -> tasks_v1.GetStatusResponse:
        """Say how far tasks are."""
        return tasks_v1.GetStatusResponse(tasks=await self._door.get_status(request))


class TasksV2(grpc_v2.TasksServiceServicer):
    """Serves version 2."""

    def __init__(self, tasks: Tasks, public_url: str) -> None:
        self._door = _Door(V2, tasks, public_url)

    async def Create(
        self, request: tasks_v2.CreateRequest, context: Any
    ) -> tasks_v2.CreateResponse:
        """Queue tasks."""
        return tasks_v2.CreateResponse(tasks=await self._door.create(request))

    async def GetStatus(
        self, request: tasks_v2.GetStatusRequest, context: Any
    ) -> tasks_v2.GetStatusResponse:
        """Say how far tasks are."""
        return tasks_v2.GetStatusResponse(tasks=await self._door.get_status(request))


class _Door:
    """What both versions do."""

    def __init__(self, version: Version, tasks: Tasks, public_url: str) -> None:
        self._version = version
        self._tasks = tasks
        self._public_url = public_url

    async def create(self, request: Any) -> list[Any]:
        account_id = identity().team_id
        if account_id is None:
            raise Unauthenticated("Tasks belong to an account, and these credentials name none.")
        new = [read_definition(self._version, each, account_id) for each in request.tasks]
        created = await self._tasks.create(new, _name(request, account_id))
        if request.block:
            created = await self._tasks.ended(created)
        return [status_of(self._version, task, self._public_url, details=False) for task in created]

    async def get_status(self, request: Any) -> list[Any]:
        if request.block:
            await self._tasks.wait(_possible(request.tasks))
        return await self._statuses(request.tasks, details=request.details)

    async def _statuses(self, keys: Sequence[str], *, details: bool) -> list[Any]:
        found = await self._tasks.find(_possible(keys))
        return [
            status_of(self._version, found[key], self._public_url, details=details)
            if key in found
            else status_of_unknown(self._version, key)
            for key in keys
        ]


def _name(request: Any, account_id: str) -> Name | None:
    """Return what the client calls the request; whether it waits makes no other request of it."""
    if not request.idempotency_key:
        return None
    asked = type(request)(tasks=request.tasks)
    package = request.DESCRIPTOR.file.package
    content = package.encode() + b"\0" + asked.SerializeToString(deterministic=True)
    return Name(account_id, request.idempotency_key, sha256(content).hexdigest())


def _possible(keys: Sequence[str]) -> list[str]:
    """Return those that look like a key: nothing else needs to be looked for."""
    return [key for key in keys if KEY.fullmatch(key)]
