"""How an event looks in Kafka: the binary content mode of the CloudEvents 1.0 Kafka binding.

The value is a protobuf message of the topic, the key the id of the aggregate it is about, and
the headers say the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from services.chassis.mailboxes import Waiting


@dataclass(frozen=True)
class Event:
    """One received event.

    `id` names it among all events, `type` is the protobuf name of what happened, `message` the
    serialized value, `key` the id of the aggregate.
    """

    id: str
    type: str
    topic: str
    key: str
    message: bytes
    time: datetime


class Record(Protocol):
    """A message as the Kafka client hands it out; `timestamp` in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def headers_of(event: Waiting, source: str) -> list[tuple[str, bytes]]:
    """The headers with which an event of `source` leaves."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event.event_id,
        "ce_type": event.type,
        "ce_source": source,
        "ce_time": event.time.isoformat(),
        "content-type": "application/protobuf",
    }
    return [(name, value.encode()) for name, value in headers.items()]


def event_of(record: Record) -> Event:
    """Read a record; raises ValueError when its headers or its key make no sense."""
    headers = {name: value.decode() for name, value in record.headers}
    sent = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return Event(
        id=headers.get("ce_id", place_of(record)),
        type=headers.get("ce_type", ""),
        topic=record.topic,
        key=(record.key or b"").decode(),
        message=record.value or b"",
        time=datetime.fromisoformat(headers["ce_time"]) if "ce_time" in headers else sent,
    )


def place_of(record: Record) -> str:
    """Name a record by its place: one of someone else may have no id.

    The timestamp tells a broker that lost its memory and counts from zero again.
    """
    return f"{record.topic}/{record.partition}/{record.offset}@{record.timestamp}"
