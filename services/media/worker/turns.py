"""Whose turn it is: slots shared fairly between accounts."""

import asyncio
import itertools
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Lets in `slots` at once.

    A free slot goes to the account that has the fewest, among them to the one whose last turn is
    longest ago; within an account in order of arrival. So what the ledger assigned ahead to one
    account does not hold another's item up.
    """

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._running: Counter[str] = Counter()
        self._waiting: defaultdict[str, deque[asyncio.Future[None]]] = defaultdict(deque)
        self._turn = itertools.count(1)
        self._last_turn: dict[str, int] = {}

    @asynccontextmanager
    async def turn(self, account_id: str) -> AsyncIterator[None]:
        """Hold a slot for an account."""
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[account_id].append(admitted)
        self._admit()
        try:
            await admitted
            yield
        finally:
            if admitted.done() and not admitted.cancelled():
                self._leave(account_id)

    def _admit(self) -> None:
        while self._free and (account_id := self._next()):
            admitted = self._waiting[account_id].popleft()
            # Who was cancelled while waiting is passed over.
            if not admitted.done():
                self._free -= 1
                self._running[account_id] += 1
                self._last_turn[account_id] = next(self._turn)
                admitted.set_result(None)
            self._forget(account_id)

    def _next(self) -> str | None:
        return min(
            self._waiting,
            key=lambda each: (self._running[each], self._last_turn.get(each, 0)),
            default=None,
        )

    def _leave(self, account_id: str) -> None:
        self._free += 1
        self._running[account_id] -= 1
        self._forget(account_id)
        self._admit()

    def _forget(self, account_id: str) -> None:
        """Keep nothing of accounts that are not here."""
        if not self._waiting[account_id]:
            del self._waiting[account_id]
            if not self._running[account_id]:
                del self._running[account_id]
                self._last_turn.pop(account_id, None)
