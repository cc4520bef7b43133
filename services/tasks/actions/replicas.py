"""What the processes of the ledger tell each other about changes, as soon as these are stored."""

import json
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from services.chassis.database import Database, Tx
from services.tasks.actions.live import Live
from services.tasks.model import TASKS, Item, Lease, State, new_key, was_stopped

CHANNEL = "vitascope_ledger"
MOST_IN_A_NOTICE = 100  # of some seventy bytes each
# Another replica is told of changes for so long after it last said that somebody follows there;
# meanwhile it need not say so again.
FORGOTTEN_SECONDS = 15.0
REMINDED_SECONDS = 4.0


class Replicas:
    """Wakes those who wait at another replica for what happened at this one.

    Ends are always told. Changes and progress of tasks are told only while somebody follows tasks
    at another replica, which says so now and then; what there is to know of them is read from the
    database. A notice can be missed: the regular looks into the database are what nothing escapes.
    `clock` gives seconds.
    """

    def __init__(
        self, db: Database, live: Live, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._db = db
        self._live = live
        self._clock = clock
        self._name = new_key()
        self._followers: dict[str, float] = {}
        self._newcomers = False
        self._announced_at = -math.inf
        self.to_announce = live.feeds.began

    async def tell_changed(
        self, tx: Tx, moved: Sequence[tuple[Item, Item]], *, stirred: bool
    ) -> None:
        """Tell of items that ended, were taken from their worker or came back to the queue, of
        tasks that somebody elsewhere may follow, and whether there may be something else to
        assign."""
        followed = self._is_followed()
        told = [
            (before, after)
            for before, after in moved
            if followed or after.state is not State.EXECUTING
        ]
        if stirred and not told:
            await self._tell(tx, stirred=True)
        for start in range(0, len(told), MOST_IN_A_NOTICE):
            some = told[start : start + MOST_IN_A_NOTICE]
            await self._tell(
                tx,
                ended=[after.item_id for _, after in some if after.ended],
                changed=[
                    after.item_id
                    for _, after in some
                    if followed and after.owner == TASKS and not after.ended
                ],
                stopped=[
                    (after.item_id, before.attempt, after.ended)
                    for before, after in some
                    if was_stopped(before, after)
                ],
                stirred=stirred or any(after.state is State.QUEUED for _, after in some),
            )

    async def announce(self) -> None:
        """Tell the others that somebody follows tasks here; and those who have just begun to,
        which items run here: of these they may have missed something."""
        if self._db.is_sqlite:
            return
        newcomers, self._newcomers = self._newcomers, False
        running = [lease.item_id for each in self._live.sessions for lease in each.held]
        told = running if newcomers else []
        follows = bool(self._live.feeds)
        if not told and (not follows or self._clock() < self._announced_at + REMINDED_SECONDS):
            return
        async with self._db.transaction() as tx:
            await self._tell(tx, follows=follows)
            for start in range(0, len(told), MOST_IN_A_NOTICE):
                await self._tell(tx, changed=told[start : start + MOST_IN_A_NOTICE])
        if follows:
            self._announced_at = self._clock()

    async def listen(self) -> None:
        """Hear what the others tell, for ever."""
        await self._db.listen(CHANNEL, self._hear)

    async def _tell(self, tx: Tx, **news: Any) -> None:
        if self._db.is_sqlite:
            return  # there is one process
        worth_telling = {name: value for name, value in news.items() if value}
        if worth_telling:
            payload = json.dumps({"by": self._name} | worth_telling, separators=(",", ":"))
            await self._db.notify(tx, CHANNEL, payload)

    def _hear(self, payload: str) -> None:
        news = json.loads(payload)
        if news["by"] == self._name:
            return
        for item_id, attempt, ended in news.get("stopped", ()):
            self._live.stop(Lease(item_id, attempt), ended=ended)
        for item_id in news.get("ended", ()):
            self._live.watches.strike(item_id)
        self._live.feeds.doubt([*news.get("ended", ()), *news.get("changed", ())])
        if news.get("follows"):
            self._hear_of(news["by"])
        if news.get("stirred"):
            self._live.stirred.set()

    def _hear_of(self, follower: str) -> None:
        now = self._clock()
        if self._followers.get(follower, now) <= now:
            self._newcomers = True
            self.to_announce.set()
        self._followers[follower] = now + FORGOTTEN_SECONDS

    def _is_followed(self) -> bool:
        """Whether somebody follows tasks at another replica, as far as is known."""
        if not self._followers:
            return False
        now = self._clock()
        self._followers = {name: until for name, until in self._followers.items() if until > now}
        return bool(self._followers)
