"""Events on their way to Kafka, many in a batch: a message by itself costs as much as a batch."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from services.chassis import cloudevents
from services.chassis.mailboxes import Waiting

_partition_of = DefaultPartitioner()

Place = tuple[str, int]
"""A topic and one of its partitions."""


@asynccontextmanager
async def started_producer(servers: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that waits until all replicas have what it sends."""
    producer = AIOKafkaProducer(
        bootstrap_servers=servers,
        acks="all",
        max_batch_size=256 * 1024,
        request_timeout_ms=10_000,
        retry_backoff_ms=500,
    )
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


async def publish(
    producer: AIOKafkaProducer, events: Sequence[Waiting], source: str
) -> AsyncIterator[list[int]]:
    """Publish events; yields the row ids of those that arrived, as they do.

    Events of one key keep their order: a partition's next batch leaves when the one before has
    arrived, and none leaves after one that failed. Raises KafkaError for the first that failed.
    """
    remaining = await _by_partition(producer, events)
    while remaining:
        sent = [await _send_first(producer, place, queue, source) for place, queue in remaining]
        outcomes = await asyncio.gather(*(arrived for arrived, _ in sent), return_exceptions=True)
        for (_, count), (_, queue), outcome in zip(sent, remaining, outcomes, strict=True):
            if not isinstance(outcome, BaseException):
                yield [event.id for event in queue[:count]]
                del queue[:count]
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        remaining = [(place, queue) for place, queue in remaining if queue]


async def _by_partition(
    producer: AIOKafkaProducer, events: Sequence[Waiting]
) -> list[tuple[Place, list[Waiting]]]:
    topics = {event.topic for event in events}
    await _look_anew(producer, topics)
    partitions = {topic: sorted(await producer.partitions_for(topic)) for topic in topics}
    queues: dict[Place, list[Waiting]] = defaultdict(list)
    for event in events:
        of_topic = partitions[event.topic]
        partition = of_topic[0]
        if len(of_topic) > 1:
            partition = _partition_of(event.key.encode(), of_topic, of_topic)
        queues[event.topic, partition].append(event)
    return list(queues.items())


async def _look_anew(producer: AIOKafkaProducer, topics: Collection[str]) -> None:
    """See topics as the broker has them now. Raises KafkaError when it is away.

    The embedded broker knows none when it starts again. It takes events for one all the same, and
    loses them as soon as somebody asks for it, which makes it.
    """
    for topic in topics:
        producer.client.add_topic(topic)
    if not await producer.client.force_metadata_update():
        raise KafkaConnectionError("no broker tells of its topics")


async def _send_first(
    producer: AIOKafkaProducer, place: Place, queue: Sequence[Waiting], source: str
) -> tuple[asyncio.Future[object], int]:
    """Send as many events as fit into a batch; returns what tells of its arrival, and how many."""
    batch: BatchBuilder = producer.create_batch()
    count = 0
    for event in queue:
        added = batch.append(
            timestamp=int(event.time.timestamp() * 1000),
            key=event.key.encode(),
            value=event.value,
            headers=cloudevents.headers_of(event, source),
        )
        if added is None:
            break
        count += 1
    topic, partition = place
    return await producer.send_batch(batch, topic, partition=partition), count
