"""Events by Kafka: a transactional outbox, its relay, and consumers with an inbox."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from google.protobuf.message import Message
from sqlalchemy import MetaData, Table

from services.chassis.database import Database, Tx

if TYPE_CHECKING:
    from services.chassis.settings import Settings


def outbox_table(metadata: MetaData) -> Table:
    """The table of events that wait to be published; call it once in `store.py`."""
    raise NotImplementedError


def inbox_table(metadata: MetaData) -> Table:
    """The table of events already handled; call it once in `store.py`."""
    raise NotImplementedError


@dataclass(frozen=True)
class Event:
    """One received event."""

    id: str
    type: str
    topic: str
    key: str
    message: bytes
    time: datetime


Handler = Callable[[Tx, Event], Awaitable[None]]


class Outbox:
    """Writes events in the caller's transaction; publishes them afterwards."""

    def __init__(self, db: Database, settings: "Settings", source: str) -> None:
        raise NotImplementedError

    async def append(self, tx: Tx, topic: str, key: str, message: Message) -> None:
        """Store an event; it leaves once `tx` is committed, in order per key."""
        raise NotImplementedError

    async def relay(self) -> None:
        """Publish what waits, for ever: a background coroutine of the service."""
        raise NotImplementedError


class Consumer:
    """Feeds each event of some topics, once, to its handler."""

    def __init__(
        self,
        db: Database,
        settings: "Settings",
        group: str,
        handlers: Mapping[str, Handler],
        after: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        raise NotImplementedError

    async def run(self) -> None:
        """Consume for ever: a background coroutine of the service."""
        raise NotImplementedError
