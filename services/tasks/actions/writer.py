"""Group commit: what arrives while a transaction runs is done together in the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from services.chassis.database import Database
from services.chassis.errors import Unavailable
from services.tasks.actions.assignment import Assignment
from services.tasks.actions.batch import Batch
from services.tasks.actions.record import Recorder
from services.tasks.store import items

MOST_TOGETHER = 500

T = TypeVar("T")


@dataclass(eq=False)
class _Job:
    """Something to do to items, which are locked before."""

    ids: Collection[str]
    do: Callable[[Batch], Awaitable[Any]]
    done: asyncio.Future[Any] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    result: Any = None


class Writer:
    """Changes items, one transaction at a time; each also gives free workers what is next."""

    def __init__(
        self,
        db: Database,
        recorder: Recorder,
        assignment: Assignment,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._recorder = recorder
        self._assignment = assignment
        self.now = clock
        self._jobs: list[_Job] = []
        self._running: asyncio.Task[None] | None = None

    def change(
        self, ids: Collection[str], do: Callable[[Batch], Awaitable[T]]
    ) -> "asyncio.Future[T]":
        """Do something to items; the future has what `do` returned, once that is stored.

        `do` finds the items with these ids in the batch, those that exist, and may change them.
        It may be done again from the start with a new batch: what it does outside the batch, it
        leaves to `after_commit`. Jobs are done in the order of the calls.
        """
        job = _Job(ids, do)
        self._jobs.append(job)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return job.done

    async def _run(self) -> None:
        try:
            while self._jobs:
                jobs, self._jobs = self._jobs[:MOST_TOGETHER], self._jobs[MOST_TOGETHER:]
                await self._do(jobs)
        finally:
            self._running = None

    async def _do(self, jobs: Sequence[_Job]) -> None:
        try:
            await self._commit(jobs)
        except Exception as error:  # noqa: BLE001
            if len(jobs) == 1 or isinstance(error, Unavailable):
                for job in jobs:
                    if not job.done.done():
                        job.done.set_exception(error)
            else:
                # The error is one job's; by themselves, the others are done.
                for job in jobs:
                    await self._do([job])

    async def _commit(self, jobs: Sequence[_Job]) -> None:
        ids = {item_id for job in jobs for item_id in job.ids}
        async with self._db.transaction() as tx:
            batch = Batch(tx, self.now(), await items.lock(tx, ids) if ids else ())
            for job in jobs:
                job.result = await job.do(batch)
            await self._assignment.fill(batch)
            await self._recorder.store(batch)
        for callback in batch.after_commit:
            callback()
        for job in jobs:
            if not job.done.done():
                job.done.set_result(job.result)
