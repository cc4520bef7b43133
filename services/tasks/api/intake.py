"""Requests that create tasks, whatever they are answered with."""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any

from services.chassis.auth import identity
from services.chassis.errors import Unauthenticated
from services.chassis.limits import Limits
from services.tasks.actions.allowance import Allowance
from services.tasks.actions.following import Feed
from services.tasks.actions.tasks import Name, Task, Tasks
from services.tasks.api.definitions import read_definition
from services.tasks.api.versions import Version

StoredBytes = Callable[[str], Awaitable[int]]
"""Tells how many bytes an account stores."""


class Intake:
    """Queues what a request of one version defines, for the account of its caller."""

    def __init__(self, version: Version, tasks: Tasks, stored_bytes: StoredBytes) -> None:
        self._version = version
        self._tasks = tasks
        self._stored_bytes = stored_bytes

    async def create(
        self,
        definitions: Sequence[Any],
        idempotency_key: str,
        feed: Feed | None = None,
        *,
        texts: bool = False,
    ) -> list[Task]:
        """Queue tasks, all or nothing; a repeat by the same name returns those that are there.

        A feed hears of the tasks; with `texts` the parameters are texts, whatever their types.

        Raises Unauthenticated for callers without an account, NameTaken when another request has
        the name, LimitReached when the request would take the account over a limit.
        """
        account_id = identity().team_id
        if account_id is None:
            raise Unauthenticated("Tasks belong to an account, and these credentials name none.")
        limits = identity().limits
        new = [
            read_definition(
                self._version, each, account_id, texts=texts, stored_bytes=limits.stored_bytes
            )
            for each in definitions
        ]
        name = self._name(account_id, idempotency_key, definitions)
        allowance = await self._allowance(account_id, limits)
        return await self._tasks.create(new, name, feed, allowance)

    async def _allowance(self, account_id: str, limits: Limits) -> Allowance | None:
        if limits.stored_bytes:
            return Allowance(account_id, limits, await self._stored_bytes(account_id))
        if limits.tasks_in_flight or limits.tasks_per_minute:
            return Allowance(account_id, limits)
        return None

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
