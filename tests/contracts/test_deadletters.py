"""What becomes of events that cannot be handled, on the embedded broker and on Apache Kafka."""

import asyncio
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from services.chassis import events
from services.chassis.database import Database, Tx
from services.chassis.deadletters import DeadLetter, dead_letters, replay
from services.chassis.errors import Unavailable
from services.chassis.events import Consumer, Event, Outbox
from services.chassis.settings import Settings
from tests.contracts.conftest import settings_for
from tests.contracts.test_events import Seen, background, publish
from tests.kit.servers import free_port


class Broken(Seen):
    """A handler that cannot handle one key until it is mended."""

    mended = False

    async def note(self, tx: Tx, event: Event) -> None:
        if event.key == "bad" and not self.mended:
            raise ValueError("cannot read [this]")
        await super().note(tx, event)


@pytest.fixture
def topic() -> str:
    return f"test.{uuid4().hex}"


async def letters_of(settings: Settings, topic: str, count: int) -> list[DeadLetter]:
    """Wait until a topic has so many dead letters; return them."""
    async with asyncio.timeout(40):
        while len(found := await dead_letters(settings.kafka_servers, topic)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return found


async def test_a_dead_letter_is_handled_when_it_is_sent_again(
    settings: Settings, sqlite: Database, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "FIRST_BACKOFF_SECONDS", 0.01)
    outbox = Outbox(sqlite, settings, "test")
    broken, other = Broken(), Seen()
    consumers = [
        Consumer(sqlite, settings, f"{topic}.broken", {topic: broken.note}),
        Consumer(sqlite, settings, f"{topic}.other", {topic: other.note}),
    ]
    async with background(outbox.relay(), *(each.run() for each in consumers)):
        await publish(sqlite, outbox, topic, ["good", "bad"])
        [letter] = await letters_of(settings, topic, 1)
        await other.wait(2)
        await broken.wait(1)
        assert (letter.topic, letter.key, letter.group) == (topic, b"bad", f"{topic}.broken")
        assert letter.error == "ValueError('cannot read [this]')"
        assert letter.type == "vitascope.media.v1.MediaEvent"
        assert not letter.replayed
        assert [event.key for event in broken] == ["good"]
        assert await dead_letters(settings.kafka_servers, topic) == [letter], "still there"

        broken.mended = True
        await replay(settings.kafka_servers, [letter])
        await broken.wait(2)
        [original] = [event for event in other if event.key == "bad"]
        assert broken[-1].id == original.id == letter.event_id
        assert broken[-1].message == original.message
        [again] = await dead_letters(settings.kafka_servers, topic)
        assert (again.place, again.replayed) == (letter.place, True)
        # Whoever handled it drops it, now and when it comes a third time.
        await replay(settings.kafka_servers, [letter])
        await publish(sqlite, outbox, topic, ["last"])
        await broken.wait(3)
        await other.wait(3)
    assert [event.key for event in broken] == ["good", "bad", "last"]
    assert sorted(event.key for event in other) == ["bad", "good", "last"]


async def test_a_letter_of_somebody_else_keeps_the_name_that_its_place_gave_it(
    settings: Settings, sqlite: Database, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "FIRST_BACKOFF_SECONDS", 0.01)
    broken, other = Broken(), Seen()
    consumers = [
        Consumer(sqlite, settings, f"{topic}.broken", {topic: broken.note}),
        Consumer(sqlite, settings, f"{topic}.other", {topic: other.note}),
    ]
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_servers)
    await producer.start()
    await producer.send_and_wait(topic, key=b"bad", value=b"plain")
    await producer.stop()
    async with background(*(each.run() for each in consumers)):
        [letter] = await letters_of(settings, topic, 1)
        await other.wait(1)
        broken.mended = True
        await replay(settings.kafka_servers, [letter])
        await broken.wait(1)
    assert broken[0].id == other[0].id
    assert len(other) == 1


async def test_dead_letters_of_all_topics(settings: Settings) -> None:
    topics = [f"test.{uuid4().hex}" for _ in range(2)]
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_servers)
    await producer.start()
    for topic in topics:
        for number in range(3):
            headers = [("dead_group", b"g"), ("dead_error", b"\xff")]
            key = str(number).encode()
            await producer.send_and_wait(f"{topic}.dead", key=key, headers=headers)
    await producer.stop()
    found = await dead_letters(settings.kafka_servers)
    for topic in topics:
        ours = [letter for letter in found if letter.topic == topic]
        assert sorted(letter.key or b"" for letter in ours) == [b"0", b"1", b"2"]
        assert {(letter.group, letter.error, letter.value) for letter in ours} == {
            ("g", "\ufffd", None)
        }


async def test_no_dead_letters(settings: Settings, topic: str) -> None:
    assert await dead_letters(settings.kafka_servers, topic) == []


async def test_without_a_broker_it_says_so() -> None:
    with pytest.raises(Unavailable):
        await dead_letters(settings_for(f"127.0.0.1:{free_port()}").kafka_servers)
