"""What happens to events when parts are away, and the rules that need no broker."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import BytesValue
from sqlalchemy import MetaData, func, select

from services.chassis import events, mailboxes, publishing
from services.chassis.cloudevents import event_of
from services.chassis.database import Database, Tx, now
from services.chassis.errors import Unavailable
from services.chassis.events import Consumer, Event, Outbox, inbox_table, outbox_table
from services.chassis.mailboxes import MAX_EVENT_BYTES
from services.chassis.settings import Settings
from tests.kit.broker import embedded_broker
from tests.kit.servers import free_port
from tests.kit.waiting import wait_for_async
from vitascope.media.v1 import events_pb2

MESSAGE = events_pb2.MediaEvent(video_id="v1", upload_started=events_pb2.UploadStarted())
TOPIC = "vitascope.media.v1"


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    metadata = MetaData()
    outbox_table(metadata)
    inbox_table(metadata)
    database = Database(sqlite_url, metadata)
    async with database.transaction() as tx:
        await tx.run_sync(metadata.create_all)
    yield database
    await database.close()


@pytest.fixture
def settings() -> Settings:
    """Settings that point at a port on which a broker may be started, or not."""
    keys = {"internal_key": "i" * 32, "encryption_key": "e" * 32}
    return Settings.model_validate({"kafka_servers": f"127.0.0.1:{free_port()}", **keys})


def port_of(settings: Settings) -> int:
    return int(settings.kafka_servers.rpartition(":")[2])


@asynccontextmanager
async def background(*coroutines: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run endless coroutines; one that ends by itself fails the test."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        async with asyncio.timeout(30):
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends


async def append(database: Database, outbox: Outbox, *keys: str) -> None:
    async with database.transaction() as tx:
        await outbox.append_all(tx, TOPIC, [(key, MESSAGE) for key in keys])


async def waiting(database: Database) -> int:
    async with database.reading() as tx:
        query = select(func.count()).select_from(database.metadata.tables["outbox"])
        return await tx.scalar(query) or 0


async def test_events_wait_while_the_broker_is_away(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    outbox, keys = Outbox(database, settings, "vitascope/media"), []

    async def note(_: Tx, event: Event) -> None:
        keys.append(event.key)

    consumer = Consumer(database, settings, "videos", {TOPIC: note})
    async with background(outbox.relay(), consumer.run()):
        await append(database, outbox, "a", "b")
        assert await waiting(database) == 2
        with embedded_broker(port_of(settings), tmp_path / "broker.log"):
            await wait_for_async(lambda: sorted(keys) == ["a", "b"], seconds=60, what="both")


async def test_a_broker_that_forgot_everything_is_joined_again(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    """More events before the loss than after it, so the old offset lies behind the new end."""
    outbox, keys = Outbox(database, settings, "vitascope/media"), set()

    async def note(_: Tx, event: Event) -> None:
        keys.add(event.key)

    first, second = {f"first-{n}" for n in range(20)}, {f"second-{n}" for n in range(5)}
    consumer = Consumer(database, settings, "videos", {TOPIC: note})
    async with background(outbox.relay(), consumer.run()):
        with embedded_broker(port_of(settings), tmp_path / "broker.log"):
            await append(database, outbox, *first)
            await wait_for_async(lambda: keys == first, seconds=60, what="the first events")
        await append(database, outbox, *second)
        with embedded_broker(port_of(settings), tmp_path / "broker.log"):
            await wait_for_async(lambda: keys > first, seconds=60, what="an event")
            await wait_for_async(lambda: keys == first | second, seconds=60, what="the others")


async def test_a_commit_wakes_the_relay(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "RELAY_POLL_SECONDS", 3600.0)
    outbox = Outbox(database, settings, "vitascope/media")
    with embedded_broker(port_of(settings), tmp_path / "broker.log"):
        async with background(outbox.relay()):
            for key in "abc":
                await append(database, outbox, key)
                async with asyncio.timeout(30):
                    while await waiting(database):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)


async def test_events_that_follow_each_other_closely_leave_together(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "RELAY_GATHER_SECONDS", 0.0)
    monkeypatch.setattr(events, "RELAY_BUSY_SECONDS", 2.0)
    batches: list[int] = []
    publish = publishing.publish

    def noted(producer: Any, waiting: Sequence[Any], source: str) -> AsyncIterator[list[int]]:
        batches.append(len(waiting))
        return publish(producer, waiting, source)

    monkeypatch.setattr(events, "publish", noted)
    outbox = Outbox(database, settings, "vitascope/media")
    with embedded_broker(port_of(settings), tmp_path / "broker.log"):
        async with background(outbox.relay()):
            await append(database, outbox, "alone")
            await wait_for_async(lambda: 1 in batches, seconds=60, what="the first one")
            while await waiting(database):  # noqa: ASYNC110
                await asyncio.sleep(0)
            for key in "abc":
                await append(database, outbox, key)
            await wait_for_async(lambda: sum(batches) == 4, seconds=60, what="the others")
    assert [each for each in batches if each] == [1, 3]


async def test_the_relay_ends_when_told_so_though_just_woken(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    outbox = Outbox(database, settings, "vitascope/media")
    with embedded_broker(port_of(settings), tmp_path / "broker.log"):
        for rounds in range(8):
            task = asyncio.create_task(outbox.relay())
            await append(database, outbox, "a")
            async with asyncio.timeout(30):
                while await waiting(database):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await append(database, outbox, "b")
            for _ in range(rounds):
                await asyncio.sleep(0)
            task.cancel()
            async with asyncio.timeout(10):
                await asyncio.wait([task])
            assert task.cancelled()


async def test_an_outage_in_a_handler_buries_nothing(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "RECONNECT_SECONDS", 0.05)
    outbox, tries, seen = Outbox(database, settings, "vitascope/media"), [], []

    async def wait_for_database(_: Tx, event: Event) -> None:
        tries.append(event.id)
        if len(tries) < 3:
            raise Unavailable("not yet")
        seen.append(event.id)

    consumer = Consumer(database, settings, "videos", {TOPIC: wait_for_database})
    with embedded_broker(port_of(settings), tmp_path / "broker.log"):
        async with background(outbox.relay(), consumer.run()):
            await append(database, outbox, "a")
            await wait_for_async(lambda: seen, seconds=80, what="the third try")
    assert len(set(tries)) == 1


async def test_an_event_too_large_for_kafka_is_refused(
    database: Database, settings: Settings
) -> None:
    outbox = Outbox(database, settings, "vitascope/media")
    with pytest.raises(ValueError, match="too large"):
        async with database.transaction() as tx:
            await outbox.append(tx, TOPIC, "a", BytesValue(value=bytes(MAX_EVENT_BYTES)))


async def test_the_inbox_forgets_by_age(database: Database) -> None:
    inbox = database.metadata.tables["inbox"]
    async with database.transaction() as tx:
        assert await mailboxes.remember(tx, inbox, "videos", ["a", "b"]) == {"a", "b"}
        assert await mailboxes.remember(tx, inbox, "videos", ["b", "c", "c"]) == {"c"}
        assert await mailboxes.remember(tx, inbox, "tasks", ["a"]) == {"a"}
        await mailboxes.forget(tx, inbox, before=now() - timedelta(hours=1))
        assert await mailboxes.remember(tx, inbox, "videos", ["a"]) == set()
        await mailboxes.forget(tx, inbox, before=now() + timedelta(hours=1))
        assert await mailboxes.remember(tx, inbox, "videos", ["a"]) == {"a"}


def test_the_type_says_what_happened() -> None:
    assert mailboxes.type_of(MESSAGE) == "vitascope.media.v1.UploadStarted"
    assert mailboxes.type_of(events_pb2.MediaEvent()) == "vitascope.media.v1.MediaEvent"
    assert mailboxes.type_of(BytesValue()) == "google.protobuf.BytesValue"


def record(**changes: Any) -> Any:
    """A record as the Kafka client hands it out."""
    fields = {
        "topic": "t",
        "partition": 1,
        "offset": 2,
        "timestamp": 1_700_000_000_000,
        "key": b"k",
        "value": b"v",
        "headers": (),
    }
    return SimpleNamespace(**(fields | changes))


def test_a_record_without_headers_is_an_event_still() -> None:
    event = event_of(record(key=None, value=None))
    moment = datetime.fromtimestamp(1_700_000_000, UTC)
    assert event == Event("t/1/2@1700000000000", "", "t", "", b"", moment)


@pytest.mark.parametrize(
    "changes",
    [{"key": b"\xff"}, {"headers": [("ce_time", b"soon")]}, {"headers": [("a", b"\xff")]}],
)
def test_a_record_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        event_of(record(**changes))
