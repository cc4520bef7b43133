"""A consumer of topics as the world has them: every event once, by its id."""

import asyncio
import logging
import threading
from collections import defaultdict
from contextlib import suppress
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError

from services.chassis.cloudevents import Event, event_of

POLL_MILLISECONDS = 200

# The client writes some eighty lines a second while the broker is away.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


class Listener:
    """Reads topics from their beginning in a thread of its own. Use as a context.

    `repeats` counts what came again; that is allowed.
    """

    def __init__(self, servers: str, *topics: str) -> None:
        self.repeats = 0
        self._servers = servers
        self._topics = topics
        self._events: dict[str, Event] = {}
        self._stopped = threading.Event()
        self._again = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._again.set()
        self._thread.join()

    def start_over(self) -> None:
        """Read from the beginning: the broker lost its memory and counts from zero again."""
        self._again.set()

    def events(self, topic: str) -> dict[str, list[Event]]:
        """What a topic said so far, by key, in the order in which it came."""
        by_key: dict[str, list[Event]] = defaultdict(list)
        for event in list(self._events.values()):
            if event.topic == topic:
                by_key[event.key].append(event)
        return by_key

    async def _listen(self) -> None:
        while not self._stopped.is_set():
            self._again.clear()
            consumer = AIOKafkaConsumer(
                *self._topics,
                bootstrap_servers=self._servers,
                auto_offset_reset="earliest",
                metadata_max_age_ms=1_000,
                fetch_max_wait_ms=50,
                retry_backoff_ms=200,
            )
            try:
                await consumer.start()
                while not self._again.is_set():
                    for records in (await consumer.getmany(timeout_ms=POLL_MILLISECONDS)).values():
                        self._take(records)
            except KafkaError:
                await asyncio.sleep(POLL_MILLISECONDS / 1000)  # the broker is away
            finally:
                # A fetch that waits for a broker that is away reports that it was cancelled.
                with suppress(asyncio.CancelledError):
                    await consumer.stop()

    def _take(self, records: list[ConsumerRecord]) -> None:
        for record in records:
            event = event_of(record)
            self.repeats += event.id in self._events
            self._events.setdefault(event.id, event)
