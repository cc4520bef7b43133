"""Tells the world, and this process at once, what happens to users and teams."""

from collections.abc import Callable

from services.chassis.database import Tx, on_commit
from services.chassis.events import Outbox
from vitascope.accounts.v1.events_pb2 import AccountEvent

TOPIC = "vitascope.accounts.v1"


class Announcer:
    """Every change of users, teams and their keys passes here."""

    def __init__(self, outbox: Outbox, changed: Callable[[], None]) -> None:
        """`changed` is called when a change is committed, before its caller is answered."""
        self._outbox = outbox
        self._changed = changed

    async def announce(self, tx: Tx, event: AccountEvent) -> None:
        """Append an event, keyed by its user, or by its team where it names no user."""
        await self._outbox.append(tx, TOPIC, event.user_id or event.team_id, event)
        on_commit(tx, self._changed)
