"""Events that a consumer could not handle: look at them, and send them once more.

They lie on the topic `<topic>.dead`, with what happened in their headers. That one was sent again
is noted on the same topic, so that it is known as long as the event itself is there.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from services.chassis.cloudevents import Record
from services.chassis.errors import Unavailable
from services.chassis.events import DEAD, KafkaError, started_reader
from services.chassis.publishing import started_producer

REPLAYED = "dead_replayed"
READ_SECONDS = 30.0

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class DeadLetter:
    """An event that `group` could not handle.

    `topic` is where it came from; `partition` and `offset` say where it lies on `<topic>.dead`.
    """

    topic: str
    partition: int
    offset: int
    died_at: datetime
    group: str
    error: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    replayed: bool = False

    @property
    def place(self) -> str:
        """What names it on its topic: partition and offset."""
        return f"{self.partition}/{self.offset}"

    @property
    def type(self) -> str:
        """The protobuf name of what it tells of; empty when it does not say."""
        return _text(dict(self.headers).get("ce_type", b""))

    @property
    def event_id(self) -> str:
        """What names it among all events."""
        return _text(dict(self.headers).get("ce_id", b""))


async def dead_letters(servers: str, topic: str = "") -> list[DeadLetter]:
    """Return the dead letters of a topic, or of all, as they lie there; nothing is taken away.

    Raises Unavailable when the broker cannot be read.
    """
    async with _translated(), asyncio.timeout(READ_SECONDS):
        async with started_reader(servers) as reader:
            names = sorted(name for name in await reader.topics() if name.endswith(DEAD))
        wanted = [name for name in names if topic in ("", name.removesuffix(DEAD))]
        records = await _records(servers, wanted) if wanted else []
    marks = {(each.topic, mark) for each in records if (mark := _mark(each)) is not None}
    return [
        replace(letter, replayed=(record.topic, letter.place) in marks)
        for record in records
        if _mark(record) is None
        for letter in [_letter(record)]
    ]


async def replay(servers: str, letters: Sequence[DeadLetter]) -> None:
    """Send dead letters once more to the topics that they came from, under their own ids.

    Consumers that handled them before drop them; the one that could not handles them now.
    Raises Unavailable when the broker cannot be reached; then some may have been sent.
    """
    async with _translated(), started_producer(servers) as producer:
        for letter in letters:
            headers = [each for each in letter.headers if not each[0].startswith("dead_")]
            await producer.send_and_wait(
                letter.topic, value=letter.value, key=letter.key, headers=headers
            )
            await producer.send_and_wait(
                letter.topic + DEAD,
                value=b"",
                key=letter.key,
                headers=[(REPLAYED, letter.place.encode())],
            )


async def _records(servers: str, topics: Collection[str]) -> list[Record]:
    """Return what lies on some topics by now, in the order of their partitions."""
    found: list[Record] = []
    async with started_reader(servers, *topics) as reader:
        places = sorted(reader.assignment())
        first, last = await reader.beginning_offsets(places), await reader.end_offsets(places)
        remaining = {place for place in places if first[place] < last[place]}
        for place in places:
            reader.seek(place, first[place])
        while remaining:
            for place, records in (await reader.getmany(*remaining, timeout_ms=1000)).items():
                found += [record for record in records if record.offset < last[place]]
            for place in set(remaining):
                if await reader.position(place) >= last[place]:
                    remaining.discard(place)
    return sorted(found, key=lambda record: (record.topic, record.partition, record.offset))


def _letter(record: Record) -> DeadLetter:
    headers = dict(record.headers)
    kept = tuple(record.headers)
    if "ce_id" not in headers and "dead_id" in headers:
        # The place on the topic named it; in its new place it has to keep that name.
        kept += (("ce_id", headers["dead_id"]),)
    return DeadLetter(
        topic=record.topic.removesuffix(DEAD),
        partition=record.partition,
        offset=record.offset,
        died_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        group=_text(headers.get("dead_group", b"")),
        error=_text(headers.get("dead_error", b"")),
        key=record.key,
        value=record.value,
        headers=kept,
    )


def _mark(record: Record) -> str | None:
    mark = dict(record.headers).get(REPLAYED)
    return None if mark is None else _text(mark)


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (KafkaError, TimeoutError) as error:
        raise Unavailable(f"The broker cannot be reached: {error!r}") from error
