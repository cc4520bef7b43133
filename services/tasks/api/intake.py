"""Requests that create tasks, whatever they are answered with."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from services.chassis.auth import identity
from services.chassis.errors import Unauthenticated
from services.tasks.actions.tasks import Name, Task, Tasks
from services.tasks.api.definitions import read_definition
from services.tasks.api.versions import Version


class Intake:
    """Queues what a request of one version defines, for the account of its caller."""

    def __init__(self, version: Version, tasks: Tasks) -> None:
        self._version = version
        self._tasks = tasks

    async def create(self, definitions: Sequence[Any], idempotency_key: str) -> list[Task]:
        """Queue tasks, all or nothing; a repeat by the same name returns those that are there.

        Raises Unauthenticated for callers without an account, NameTaken when another request has
        the name.
        """
        account_id = identity().team_id
        if account_id is None:
            raise Unauthenticated("Tasks belong to an account, and these credentials name none.")
        new = [read_definition(self._version, each, account_id) for each in definitions]
        name = self._name(account_id, idempotency_key, definitions)
        return await self._tasks.create(new, name)

    def _name(
        self, account_id: str, idempotency_key: str, definitions: Sequence[Any]
    ) -> Name | None:
        """Return what the client calls the request; what it waits for makes no other one of it."""
        if not idempotency_key:
            return None
        asked = self._version.messages.CreateRequest(tasks=definitions)
        package = asked.DESCRIPTOR.file.package
        content = package.encode() + b"\0" + asked.SerializeToString(deterministic=True)
        return Name(account_id, idempotency_key, sha256(content).hexdigest())
