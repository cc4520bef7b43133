"""The tables on both ends of an event's way, in the databases of its sender and its receiver.

The outbox holds what still has to leave, the inbox remembers what was handled. Kafka comes in
between, in `events.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import uuid4

from google.protobuf.message import Message
from sqlalchemy import (
    BigInteger,
    Column,
    Delete,
    Insert,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    bindparam,
    delete,
    select,
)

from services.chassis.database import Tx, Utc, insert, now
from services.chassis.statements import padded

MAX_EVENT_BYTES = 950_000
"""The largest value; brokers refuse more than 1 MiB with its headers unless told otherwise."""


class Waiting(NamedTuple):
    """One row of the outbox."""

    id: int
    event_id: str
    type: str
    topic: str
    key: str
    value: bytes
    time: datetime


@dataclass(frozen=True)
class _Statements:
    """What is asked of an outbox, made once."""

    add: Insert
    oldest: Select[Any]
    take_away: Delete


@cache
def _statements(outbox: Table) -> _Statements:
    return _Statements(
        add=outbox.insert(),
        oldest=select(outbox).order_by(outbox.c.id).limit(bindparam("most")),
        take_away=delete(outbox).where(outbox.c.id.in_(bindparam("ids", expanding=True))),
    )


def outbox_table(metadata: MetaData) -> Table:
    """Declare the table of events that wait to be published."""
    return Table(
        "outbox",
        metadata,
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("event_id", String(36), nullable=False),
        Column("type", String(200), nullable=False),
        Column("topic", String(200), nullable=False),
        Column("key", String(200), nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("time", Utc, nullable=False),
    )


def inbox_table(metadata: MetaData) -> Table:
    """Declare the table of events that were handled, by consumer group."""
    return Table(
        "inbox",
        metadata,
        Column("consumer", String(100), primary_key=True),
        Column("event_id", String(300), primary_key=True),
        Column("handled_at", Utc, nullable=False, index=True),
    )


async def put_out(
    tx: Tx, outbox: Table, topic: str, messages: Iterable[tuple[str, Message]]
) -> None:
    """Add events, each a key and a message, in this order. Raises ValueError for a huge one."""
    moment = now()
    rows = [
        {
            "event_id": str(uuid4()),
            "type": type_of(message),
            "topic": topic,
            "key": key,
            "value": _value_of(message),
            "time": moment,
        }
        for key, message in messages
    ]
    if rows:
        await tx.execute(_statements(outbox).add, rows)


async def oldest(tx: Tx, outbox: Table, limit: int) -> list[Waiting]:
    """The events that wait longest, in the order in which they were put out."""
    rows = await tx.execute(_statements(outbox).oldest, {"most": limit})
    return [Waiting(*row) for row in rows]


async def take_away(tx: Tx, outbox: Table, ids: Sequence[int]) -> None:
    """Remove published events by their row ids."""
    await tx.execute(_statements(outbox).take_away, {"ids": padded(ids)})


async def remember(tx: Tx, inbox: Table, consumer: str, event_ids: Iterable[str]) -> set[str]:
    """Note events as handled by `consumer`; returns those that were not noted before."""
    moment = now()
    rows = [
        {"consumer": consumer, "event_id": event_id, "handled_at": moment} for event_id in event_ids
    ]
    statement = insert(tx, inbox).values(rows).on_conflict_do_nothing()
    return set((await tx.scalars(statement.returning(inbox.c.event_id))).all())


async def forget(tx: Tx, inbox: Table, before: datetime) -> None:
    """Drop the memory of events that were handled before a moment."""
    await tx.execute(delete(inbox).where(inbox.c.handled_at < before))


def type_of(message: Message) -> str:
    """The protobuf name of what happened: of the oneof `happening` if set, else the message's."""
    if "happening" in message.DESCRIPTOR.oneofs_by_name:
        chosen = message.WhichOneof("happening")
        if chosen:
            message = getattr(message, chosen)
    return message.DESCRIPTOR.full_name


def _value_of(message: Message) -> bytes:
    value = message.SerializeToString()
    if len(value) > MAX_EVENT_BYTES:
        raise ValueError(f"an event of {len(value)} bytes is too large: {type_of(message)}")
    return value
