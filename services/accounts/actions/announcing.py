"""Tells the world what happens to users and teams."""

from services.chassis.database import Tx
from services.chassis.events import Outbox
from vitascope.accounts.v1.events_pb2 import AccountEvent

TOPIC = "vitascope.accounts.v1"


async def announce(outbox: Outbox, tx: Tx, event: AccountEvent) -> None:
    """Append an event, keyed by its user, or by its team where it names no user."""
    await outbox.append(tx, TOPIC, event.user_id or event.team_id, event)
