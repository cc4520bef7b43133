"""What the embedded broker and Apache Kafka must both do for events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import select

from services.chassis import events
from services.chassis.database import Database, Tx, now
from services.chassis.events import Consumer, Event, Handler, Outbox
from services.chassis.settings import Settings
from tests.contracts.shelf.store import metadata, shelves
from tests.kit.waiting import wait_for_async
from vitascope.media.v1 import events_pb2

STARTED = events_pb2.MediaEvent(video_id="v1", upload_started=events_pb2.UploadStarted())


@pytest.fixture
def topic() -> str:
    """A topic that no other test uses."""
    return f"test.{uuid4().hex}"


@pytest.fixture
def group(topic: str) -> str:
    """A consumer group that no other test is a member of."""
    return f"{topic}.videos"


@asynccontextmanager
async def background(*coroutines: Awaitable[None]) -> AsyncIterator[None]:
    """Run endless coroutines; one that ends by itself fails the test."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends


class Seen(list[Event]):
    """Events in the order in which a handler got them."""

    async def note(self, _: Tx, event: Event) -> None:
        self.append(event)

    async def wait(self, number: int) -> None:
        await wait_for_async(lambda: len(self) >= number, seconds=40, what=f"{number} events")


async def publish(database: Database, outbox: Outbox, topic: str, keys: Iterable[str]) -> None:
    """Append one event for each key, each in its own transaction, numbered in `video_id`."""
    for number, key in enumerate(keys):
        async with database.transaction() as tx:
            message = events_pb2.MediaEvent(video_id=str(number))
            await outbox.append(tx, topic, key, message)


async def records_of(settings: Settings, topic: str, number: int) -> list[ConsumerRecord]:
    """The first records of a topic, as any Kafka client reads them."""
    client = AIOKafkaConsumer(
        topic, bootstrap_servers=settings.kafka_servers, auto_offset_reset="earliest"
    )
    await client.start()
    try:
        async with asyncio.timeout(40):
            return [await client.getone() for _ in range(number)]
    finally:
        await client.stop()


async def test_an_event_arrives_as_it_was_sent(
    sqlite: Database, settings: Settings, topic: str, group: str
) -> None:
    outbox, seen, before = Outbox(sqlite, settings, "vitascope/media"), Seen(), now()
    consumer = Consumer(sqlite, settings, group, {topic: seen.note})
    async with background(outbox.relay(), consumer.run()):
        async with sqlite.transaction() as tx:
            await outbox.append(tx, topic, "v1", STARTED)
        await seen.wait(1)
    event = seen[0]
    assert (event.type, event.topic, event.key) == (
        "vitascope.media.v1.UploadStarted",
        topic,
        "v1",
    )
    assert events_pb2.MediaEvent.FromString(event.message) == STARTED
    assert before <= event.time <= now()


async def test_headers_follow_cloudevents(sqlite: Database, settings: Settings, topic: str) -> None:
    outbox = Outbox(sqlite, settings, "vitascope/media")
    async with background(outbox.relay()):
        async with sqlite.transaction() as tx:
            await outbox.append(tx, topic, "v1", STARTED)
            await outbox.append(tx, topic, "v1", Timestamp(seconds=1))
        first, second = await records_of(settings, topic, 2)
    headers = dict(first.headers)
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"vitascope.media.v1.UploadStarted"
    assert headers["ce_source"] == b"vitascope/media"
    assert headers["content-type"] == b"application/protobuf"
    assert headers["ce_time"].endswith(b"+00:00")
    assert headers["ce_id"] != dict(second.headers)["ce_id"]
    assert dict(second.headers)["ce_type"] == b"google.protobuf.Timestamp"
    assert first.key == b"v1"


async def test_what_is_rolled_back_never_leaves(
    sqlite: Database, settings: Settings, topic: str, group: str
) -> None:
    outbox, seen = Outbox(sqlite, settings, "vitascope/media"), Seen()

    async def fail() -> None:
        async with sqlite.transaction() as tx:
            await outbox.append(tx, topic, "lost", STARTED)
            raise KeyError

    consumer = Consumer(sqlite, settings, group, {topic: seen.note})
    async with background(outbox.relay(), consumer.run()):
        with pytest.raises(KeyError):
            await fail()
        async with sqlite.transaction() as tx:
            await outbox.append(tx, topic, "kept", STARTED)
        await seen.wait(1)
    assert [event.key for event in seen] == ["kept"]


async def test_events_of_a_key_keep_their_order(
    sqlite: Database, settings: Settings, topic: str, group: str
) -> None:
    outbox, seen = Outbox(sqlite, settings, "vitascope/media"), Seen()
    consumer = Consumer(sqlite, settings, group, {topic: seen.note})
    keys = ["a", "b", "c", "a", "a", "b"] * 40
    async with background(outbox.relay(), consumer.run()):
        await publish(sqlite, outbox, topic, keys)
        await seen.wait(len(keys))
    for key in "abc":
        numbers = [
            int(events_pb2.MediaEvent.FromString(event.message).video_id)
            for event in seen
            if event.key == key
        ]
        assert numbers == [number for number, of in enumerate(keys) if of == key]


async def test_replicas_relay_together(postgres_url: str, settings: Settings, topic: str) -> None:
    """Two replicas of a service on one PostgreSQL: nothing lost, doubled or out of order."""
    replicas = [Database(postgres_url, metadata) for _ in range(2)]
    await replicas[0].migrate("tests.contracts.shelf.migrations")
    outboxes = [Outbox(database, settings, "vitascope/media") for database in replicas]
    keys = ["a", "b", "c"] * 50
    async with background(*(outbox.relay() for outbox in outboxes)):
        for number, key in enumerate(keys):
            database, outbox = replicas[number % 2], outboxes[number % 2]
            async with database.transaction() as tx:
                message = events_pb2.MediaEvent(video_id=str(number))
                await outbox.append(tx, topic, key, message)
        records = await records_of(settings, topic, len(keys))

    for key in "abc":
        numbers = [
            int(events_pb2.MediaEvent.FromString(record.value).video_id)
            for record in records
            if record.key.decode() == key
        ]
        assert numbers == [number for number, of in enumerate(keys) if of == key]
    for database in replicas:
        await database.close()


async def test_an_event_that_comes_again_is_dropped(
    sqlite: Database, settings: Settings, topic: str, group: str
) -> None:
    seen = Seen()
    consumer = Consumer(sqlite, settings, group, {topic: seen.note})
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_servers)
    await producer.start()
    async with background(consumer.run()):
        for event_id in ("1", "1", "2", "1", "3"):
            headers = [("ce_id", event_id.encode())]
            await producer.send_and_wait(topic, b"", key=b"k", headers=headers)
        await seen.wait(3)
    await producer.stop()
    assert [event.id for event in seen] == ["1", "2", "3"]


async def test_a_message_of_someone_else_has_a_name_too(
    sqlite: Database, settings: Settings, topic: str, group: str
) -> None:
    seen = Seen()
    consumer = Consumer(sqlite, settings, group, {topic: seen.note})
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_servers)
    await producer.start()
    async with background(consumer.run()):
        await producer.send_and_wait(topic, b"x", key=b"k")
        await producer.send_and_wait(topic, b"x", key=b"k")
        await seen.wait(2)
    await producer.stop()
    assert seen[0].id != seen[1].id


async def test_a_failing_handler_is_tried_again_from_a_clean_state(
    sqlite: Database, settings: Settings, topic: str, group: str
) -> None:
    outbox, seen = Outbox(sqlite, settings, "vitascope/media"), Seen()
    failures = iter([True, True, False])

    async def shaky(tx: Tx, event: Event) -> None:
        # A shelf that a failed try left behind would clash with this one.
        await tx.execute(shelves.insert(), {"id": event.key})
        if event.key == "bad" and next(failures):
            raise RuntimeError("not yet")
        await seen.note(tx, event)

    consumer = Consumer(sqlite, settings, group, {topic: shaky})
    async with background(outbox.relay(), consumer.run()):
        async with sqlite.transaction() as tx:
            await outbox.append_all(tx, topic, [("bad", STARTED), ("good", STARTED)])
        await wait_for_async(
            lambda: {event.key for event in seen} == {"bad", "good"}, seconds=40, what="both"
        )
    async with sqlite.reading() as tx:
        assert set(await tx.scalars(select(shelves.c.id))) == {"bad", "good"}


async def test_a_poisonous_event_is_buried_and_the_rest_goes_on(
    sqlite: Database, settings: Settings, topic: str, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "FIRST_BACKOFF_SECONDS", 0.01)
    outbox, seen, tries = Outbox(sqlite, settings, "vitascope/media"), Seen(), Seen()

    async def picky(tx: Tx, event: Event) -> None:
        if event.key == "poison":
            await tries.note(tx, event)
            raise RuntimeError("cannot stomach this")
        await seen.note(tx, event)

    consumer = Consumer(sqlite, settings, group, {topic: picky})
    async with background(outbox.relay(), consumer.run()):
        async with sqlite.transaction() as tx:
            await outbox.append(tx, topic, "poison", STARTED)
        (dead,) = await records_of(settings, f"{topic}.dead", 1)
        async with sqlite.transaction() as tx:
            await outbox.append(tx, topic, "food", STARTED)
        await seen.wait(1)
    headers = dict(dead.headers)
    assert (dead.key, dead.value) == (b"poison", STARTED.SerializeToString())
    assert headers["ce_id"].decode() == tries[0].id
    assert headers["ce_type"] == b"vitascope.media.v1.UploadStarted"
    assert b"cannot stomach this" in headers["dead_error"]
    assert headers["dead_group"] == group.encode()
    assert len(tries) >= events.TRIES
    assert {event.key for event in seen} == {"food"}


async def test_every_group_gets_every_event(
    sqlite: Database, settings: Settings, topic: str, group: str
) -> None:
    outbox = Outbox(sqlite, settings, "vitascope/media")
    groups = {f"{topic}.videos": Seen(), f"{topic}.tasks": Seen()}
    consumers = [
        Consumer(sqlite, settings, group, {topic: seen.note}) for group, seen in groups.items()
    ]
    async with background(outbox.relay(), *(consumer.run() for consumer in consumers)):
        await publish(sqlite, outbox, topic, ["a", "b"])
        for seen in groups.values():
            await seen.wait(2)


async def test_replicas_share_the_work_and_take_over(
    sqlite: Database, settings: Settings, topic: str, group: str
) -> None:
    """Members come and go; each event is handled once by one of them."""
    outbox, seen = Outbox(sqlite, settings, "vitascope/media"), Seen()

    def member() -> Awaitable[None]:
        return Consumer(sqlite, settings, group, {topic: seen.note}).run()

    async with background(outbox.relay()), AsyncExitStack() as longer:
        async with background(member()):
            await publish(sqlite, outbox, topic, map(str, range(30)))
            await seen.wait(30)
            await longer.enter_async_context(background(member()))
            await publish(sqlite, outbox, topic, map(str, range(30, 60)))
            await seen.wait(60)
        await publish(sqlite, outbox, topic, map(str, range(60, 90)))
        await seen.wait(90)
    assert sorted(int(event.key) for event in seen) == list(range(90))


async def test_the_hook_runs_after_the_commit(
    sqlite: Database, settings: Settings, topic: str, group: str
) -> None:
    outbox, found = Outbox(sqlite, settings, "vitascope/media"), asyncio.Event()

    async def build(tx: Tx, event: Event) -> None:
        await tx.execute(shelves.insert(), {"id": event.key})

    async def look() -> None:
        async with sqlite.reading() as tx:
            if await tx.scalar(select(shelves.c.id)) == "a":
                found.set()
        raise RuntimeError("what the hook raises does no harm")

    consumer = Consumer(sqlite, settings, group, {topic: build}, after=look)
    async with background(outbox.relay(), consumer.run()):
        await publish(sqlite, outbox, topic, ["a"])
        await asyncio.wait_for(found.wait(), 40)


async def test_topics_have_handlers_of_their_own(
    sqlite: Database, settings: Settings, topic: str, group: str
) -> None:
    outbox, first, second = Outbox(sqlite, settings, "vitascope/media"), Seen(), Seen()
    handlers: dict[str, Handler] = {f"{topic}.a": first.note, f"{topic}.b": second.note}
    consumer = Consumer(sqlite, settings, group, handlers)
    async with background(outbox.relay(), consumer.run()):
        await publish(sqlite, outbox, f"{topic}.b", ["b"])
        await publish(sqlite, outbox, f"{topic}.a", ["a"])
        await first.wait(1)
        await second.wait(1)
    assert [event.topic for event in (*first, *second)] == [f"{topic}.a", f"{topic}.b"]
