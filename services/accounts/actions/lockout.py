"""Slows down the guessing of passwords, by user and by network address.

Unknown users are counted as known ones are, so that the answers tell nothing.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from services.accounts.model import LockedOut
from services.accounts.secrets import hash_of
from services.accounts.store import guards
from services.accounts.store.guards import Failures
from services.chassis.database import Database, now

FREE_FAILURES = 5
# The people of an office share an address: it is locked later, and no success clears it.
FREE_FAILURES_OF_ADDRESS = 20
FIRST_LOCK_SECONDS = 1
LONGEST_LOCK_SECONDS = 15 * 60
REMEMBERED = timedelta(hours=1)
TURNS = 256


class Lockout:
    """Counts failures in the database: they survive restarts and hold for all replicas."""

    def __init__(self, db: Database) -> None:
        self._db = db
        # Without taking turns, a thousand guesses at once would all come before the first count.
        self._turns = [asyncio.Lock() for _ in range(TURNS)]

    @asynccontextmanager
    async def turn(self, email: str) -> AsyncIterator[None]:
        """Wait for the other attempts at this user, in this process, to be counted."""
        async with self._turns[int(hash_of(email)[:8], 16) % TURNS]:
            yield

    async def check(self, email: str, address: str) -> None:
        """Raise LockedOut, with the seconds to wait, when the user or the address is locked."""
        free = _subjects(email, address)
        moment = now()
        async with self._db.reading() as tx:
            failures = await guards.failures_of(tx, free)
        seconds = _seconds_locked(failures, free, moment)
        if seconds > 0:
            raise LockedOut(
                "Too many attempts with wrong credentials; try again later.",
                retry_after=math.ceil(seconds),
            )

    async def failed(self, email: str, address: str) -> None:
        """Count a failure."""
        moment = now()
        async with self._db.transaction() as tx:
            await guards.forget_failures_before(tx, moment - REMEMBERED)
            for subject in sorted(_subjects(email, address)):
                await guards.add_failure(tx, subject, moment)

    async def succeeded(self, email: str) -> None:
        """Forget the user's failures."""
        subject = _user(email)
        async with self._db.reading() as tx:
            failures = await guards.failures_of(tx, [subject])
        if failures:
            async with self._db.transaction() as tx:
                await guards.forget_failures(tx, subject)


def lock_seconds(failures: int, free: int) -> float:
    """Return for how long a number of failures locks: 0, then 1 s, doubled by each one more."""
    if failures < free:
        return 0
    return float(min(FIRST_LOCK_SECONDS << min(failures - free, 30), LONGEST_LOCK_SECONDS))


def _seconds_locked(
    failures: Mapping[str, Failures], free: Mapping[str, int], moment: datetime
) -> float:
    return max(
        (
            lock_seconds(found.count, free[subject]) - (moment - found.last_at).total_seconds()
            for subject, found in failures.items()
            if moment - found.last_at < REMEMBERED
        ),
        default=0,
    )


def _subjects(email: str, address: str) -> dict[str, int]:
    """Return whom an attempt counts for, each with its number of free failures."""
    subjects = {_user(email): FREE_FAILURES}
    if address:
        subjects[hash_of(f"address {address}")] = FREE_FAILURES_OF_ADDRESS
    return subjects


def _user(email: str) -> str:
    return hash_of(f"user {email}")
