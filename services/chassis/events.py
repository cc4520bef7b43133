"""Events over Kafka: written with the state they tell of, relayed afterwards, handled once.

A service declares both tables in its `store.py` (`outbox_table(metadata)`,
`inbox_table(metadata)`), appends events in the transaction that changes state, and runs
`Outbox.relay` and `Consumer.run` as background coroutines.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from google.protobuf.message import Message

from services.chassis import cloudevents, mailboxes
from services.chassis.cloudevents import Event
from services.chassis.database import Database, Tx, now, on_commit
from services.chassis.errors import Unavailable
from services.chassis.event_metrics import DEAD_LETTERS
from services.chassis.mailboxes import inbox_table, outbox_table
from services.chassis.publishing import publish, started_producer
from services.chassis.settings import Settings

__all__ = [
    "Consumer",
    "Event",
    "Handler",
    "KafkaError",
    "Outbox",
    "inbox_table",
    "outbox_table",
]

RELAY_BATCH = 500
RELAY_POLL_SECONDS = 1.0
# While batches follow each other closely, more gather: a large one costs hardly more than a small.
RELAY_GATHER_SECONDS, RELAY_BUSY_SECONDS = 0.03, 0.2
CONSUMER_BATCH = 50
DEAD = ".dead"  # what a topic's name ends with that has another topic's dead letters
TRIES = 5
FIRST_BACKOFF_SECONDS = 0.1
RECONNECT_SECONDS = 1.0
INBOX_KEPT = timedelta(days=8)  # longer than the week for which Kafka keeps messages by default
PRUNE_EVERY = timedelta(hours=1)

# The client writes some eighty lines a second while the broker is away; ours say it once.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
log = structlog.stdlib.get_logger(__name__)

Handler = Callable[[Tx, Event], Awaitable[None]]


class Outbox:
    """Writes events in the caller's transaction and publishes them after its commit.

    Every event is published at least once. Events of one key leave in the order in which their
    transactions wrote them, provided that a transaction changes the aggregate's row before it
    appends (the row lock keeps others of that key out), and with several replicas too.
    """

    def __init__(self, db: Database, settings: Settings, source: str) -> None:
        """`source` becomes `ce_source`; the database's metadata must have the outbox table."""
        self._db = db
        self._servers = settings.kafka_servers
        self._source = source
        self._table = db.metadata.tables["outbox"]
        self._wake = asyncio.Event()

    async def append(self, tx: Tx, topic: str, key: str, message: Message) -> None:
        """Write one event about the aggregate `key`. Raises ValueError above MAX_EVENT_BYTES."""
        await self.append_all(tx, topic, [(key, message)])

    async def append_all(self, tx: Tx, topic: str, messages: Iterable[tuple[str, Message]]) -> None:
        """Write many events, each a key and a message, by one statement."""
        await mailboxes.put_out(tx, self._table, topic, messages)
        on_commit(tx, self._wake.set)

    async def relay(self) -> None:
        """Publish what waits, for ever; while the broker or the database is away, keep trying."""
        while True:
            try:
                async with started_producer(self._servers) as producer:
                    await self._relay_by(producer)
            except (KafkaError, Unavailable) as error:
                log.warning("events wait", source=self._source, error=repr(error))
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _relay_by(self, producer: AIOKafkaProducer) -> None:
        while True:
            self._wake.clear()
            published = await self._publish_batch(producer)
            if published < RELAY_BATCH:
                quiet_since = time.monotonic()
                # Not `wait_for`: before Python 3.12 it loses a cancellation that meets the wake.
                with suppress(TimeoutError):
                    async with asyncio.timeout(RELAY_POLL_SECONDS):
                        await self._wake.wait()
                # What comes in the next moments leaves in the same batch.
                is_busy = published and time.monotonic() - quiet_since < RELAY_BUSY_SECONDS
                await asyncio.sleep(RELAY_BUSY_SECONDS if is_busy else RELAY_GATHER_SECONDS)

    async def _publish_batch(self, producer: AIOKafkaProducer) -> int:
        """Publish and remove the oldest events; returns how many."""
        published: list[int] = []
        failure: BaseException | None = None
        async with self._db.exclusive("relay") as held:
            async with nullcontext(held) if held else self._db.reading() as tx:
                waiting = await mailboxes.oldest(tx, self._table, RELAY_BATCH)
            try:
                async for ids in publish(producer, waiting, self._source):
                    published += ids
            except BaseException as error:  # noqa: BLE001 - raised below
                failure = error
            # What arrived is not to leave again, whatever became of the rest.
            if published:
                async with nullcontext(held) if held else self._db.transaction() as tx:
                    await mailboxes.take_away(tx, self._table, published)
        if failure:
            raise failure
        return len(published)


class Consumer:
    """Feeds each event of some topics to its topic's handler, once, in order per key.

    A handler works in the transaction that also remembers the event's id, so an event that comes
    again is dropped. It must not wait for the network. When it fails five times, the message goes
    to the topic `<topic>.dead` with the error in its headers, and the rest goes on.
    """

    def __init__(
        self,
        db: Database,
        settings: Settings,
        group: str,
        handlers: Mapping[str, Handler],
        after: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`group` names the service among consumers; `handlers` are by topic.

        `after` is awaited when some events have been handled and committed; it may use the
        network. What it raises is logged and otherwise of no consequence.
        """
        self._db = db
        self._servers = settings.kafka_servers
        self._group = group
        self._handlers = handlers
        self._after = after
        self._inbox = db.metadata.tables["inbox"]
        self._pruned = datetime.min.replace(tzinfo=UTC)

    async def run(self) -> None:
        """Consume for ever; while the broker or the database is away, keep trying."""
        while True:
            try:
                async with self._joined() as consumer:
                    while True:
                        await self._take(consumer)
            except (KafkaError, Unavailable) as error:
                await self._wait(error)

    @asynccontextmanager
    async def _joined(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            *self._handlers,
            bootstrap_servers=self._servers,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # The embedded broker answers only when this time is over; each answer costs 1.5 ms.
            fetch_max_wait_ms=100,
            # A topic may be created after we subscribe to it.
            metadata_max_age_ms=5_000,
            # The least that Kafka allows: a member that died is missed for so long.
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_000,
            retry_backoff_ms=500,
        )
        try:
            await consumer.start()
            yield consumer
        finally:
            await _stop(consumer)

    async def _take(self, consumer: AIOKafkaConsumer) -> None:
        batches = await consumer.getmany(timeout_ms=1000, max_records=CONSUMER_BATCH)
        for partition, records in batches.items():
            await self._handle_all(records)
            await self._commit(consumer, partition, records[-1].offset + 1)
        if batches and self._after is not None:
            try:
                await self._after()
            except Exception:
                log.exception("work after events failed", group=self._group)
        if now() - self._pruned > PRUNE_EVERY:
            await self._prune()

    async def _commit(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int
    ) -> None:
        try:
            await consumer.commit({partition: offset})
        except (CommitFailedError, IllegalStateError) as error:
            # Another member has the partition now; what it gets again, the inbox drops.
            log.info("partition moved", group=self._group, error=repr(error))

    async def _handle_all(self, records: Sequence[ConsumerRecord]) -> None:
        """Handle records in one transaction; when one of them fails, each in its own."""
        while True:
            try:
                await self._handle(records)
                return
            except Unavailable as error:
                await self._wait(error)
            except Exception:
                log.exception("a batch of events failed", group=self._group)
                break
        for record in records:
            await self._handle_or_bury(record)

    async def _handle_or_bury(self, record: ConsumerRecord) -> None:
        failures = 0
        while True:
            try:
                await self._handle([record])
                return
            except Unavailable as error:
                await self._wait(error)  # not the event's fault
            except Exception as error:
                log.exception("event failed", topic=record.topic, offset=record.offset)
                failures += 1
                if failures == TRIES:
                    await self._bury(record, error)
                    return
                await asyncio.sleep(FIRST_BACKOFF_SECONDS * 2 ** (failures - 1))

    async def _wait(self, error: Exception) -> None:
        log.warning("consumer waits", group=self._group, error=repr(error))
        await asyncio.sleep(RECONNECT_SECONDS)

    async def _handle(self, records: Sequence[ConsumerRecord]) -> None:
        events = [cloudevents.event_of(record) for record in records]
        async with self._db.transaction() as tx:
            ids = [event.id for event in events]
            fresh = await mailboxes.remember(tx, self._inbox, self._group, ids)
            for event in events:
                if event.id in fresh:
                    fresh.remove(event.id)
                    await self._handlers[event.topic](tx, event)

    async def _bury(self, record: ConsumerRecord, error: Exception) -> None:
        trouble = {
            "dead_group": self._group,
            "dead_partition": str(record.partition),
            "dead_offset": str(record.offset),
            "dead_error": repr(error)[:1000],
            "dead_id": cloudevents.place_of(record),
        }
        headers = [*record.headers, *((name, text.encode()) for name, text in trouble.items())]
        async with started_producer(self._servers) as producer:
            await producer.send_and_wait(
                record.topic + DEAD,
                value=record.value,
                key=record.key,
                headers=headers,
            )
        DEAD_LETTERS.labels(self._group, record.topic).inc()

    async def _prune(self) -> None:
        self._pruned = now()
        async with self._db.transaction() as tx:
            await mailboxes.forget(tx, self._inbox, before=self._pruned - INBOX_KEPT)


@asynccontextmanager
async def started_reader(servers: str, *topics: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group: what it reads is not taken away from anybody."""
    reader = AIOKafkaConsumer(
        *topics, bootstrap_servers=servers, group_id=None, fetch_max_wait_ms=50
    )
    try:
        await reader.start()
        yield reader
    finally:
        await reader.stop()


async def _stop(consumer: AIOKafkaConsumer) -> None:
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        # A fetch that waited for a broker that is away was cancelled by the client itself.
        if (this := asyncio.current_task()) and this.cancelling():
            raise
