"""Runs what the ledger assigns, a few at once, and stops what it takes back."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.media.sandbox import Ears
from services.media.worker.leases import End, Key, Leases, key_of
from services.media.worker.turns import Turns
from vitascope.work.v1.work_pb2 import Assignment, Failure, WorkResponse

Make = Callable[[Assignment, Ears], Awaitable[End]]

log = structlog.stdlib.get_logger(__name__)


class Crew:
    """The attempts under way, at most `slots` at once.

    What the ledger assigns beyond that, so that no slot waits for the next,
    begins when a slot is free and it is its account's turn. A worker that
    drains does that too: it is short, and to give it back would count as a
    lost attempt.
    """

    def __init__(self, slots: int, leases: Leases, make: Make) -> None:
        self._turns = Turns(slots)
        self._leases = leases
        self._make = make
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        # The ledger wants the worker to end.
        self.dismissed = asyncio.Event()

    def hear(self, response: WorkResponse) -> None:
        """Do what the ledger says."""
        match response.WhichOneof("message"):
            case "assignment":
                self._start(response.assignment)
            case "cancel":
                self._drop(key_of(response.cancel.lease))
            case "lease_lost":
                self._drop(key_of(response.lease_lost.lease))
            case "accepted":
                self._leases.drop(key_of(response.accepted.lease))
            case "drain":
                self.dismissed.set()

    async def stop(self) -> None:
        """Kill what runs; its leases run out, and others do it."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, assignment: Assignment) -> None:
        key = key_of(assignment.lease)
        if key in self._leases or key in self._tasks:
            return
        self._leases.add(assignment.lease, assignment.lease_seconds)
        self._tasks[key] = task = asyncio.create_task(self._run(key, assignment))
        task.add_done_callback(lambda _: self._tasks.pop(key))

    async def _run(self, key: Key, assignment: Assignment) -> None:
        async with self._turns.turn(assignment.account_id):
            self._leases.begin(key)
            ears = Ears(
                lambda percent: self._leases.advance(key, percent),
                lambda state: self._leases.save(key, state),
                lambda known: self._leases.tell(key, known),
            )
            outcome = await self._make(assignment, ears)
        self._leases.finish(key, outcome)
        # The ledger knows the good ends.
        if isinstance(outcome, Failure):
            reason = outcome.message
            log.info("failed", item=key[0], attempt=key[1], kind=assignment.kind, reason=reason)

    def _drop(self, key: Key) -> None:
        self._leases.drop(key)
        if task := self._tasks.get(key):
            log.info("taken back", item=key[0], attempt=key[1])
            task.cancel()
