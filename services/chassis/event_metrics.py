"""What Prometheus is told about events on their way."""

from prometheus_client import Counter, Gauge
from sqlalchemy import func, select

from services.chassis.database import Database, now
from services.chassis.rounds import repeat
from services.chassis.telemetry import REGISTRY

EVERY_SECONDS = 10.0
MOST_COUNTED = 100_000  # more would cost more than it tells

OUTBOX_EVENTS = Gauge(
    "vitascope_outbox_events",
    f"Events that wait to be published, counted up to {MOST_COUNTED}.",
    registry=REGISTRY,
)
OUTBOX_OLDEST_SECONDS = Gauge(
    "vitascope_outbox_oldest_seconds",
    "How long the oldest event that waits to be published has waited.",
    registry=REGISTRY,
)
DEAD_LETTERS = Counter(
    "vitascope_dead_letters",
    "Events that this process could not handle and put on the topic of dead letters.",
    ("group", "topic"),
    registry=REGISTRY,
)


async def watch_outbox(db: Database) -> None:
    """Measure now and then, for ever, how far the relay of a service's events lags behind."""

    async def measure() -> None:
        await measure_outbox(db)

    await repeat(measure, EVERY_SECONDS)


async def measure_outbox(db: Database) -> None:
    """Measure how many events wait, and how long."""
    outbox = db.metadata.tables["outbox"]
    some = select(outbox.c.id).limit(MOST_COUNTED).subquery()
    async with db.reading() as tx:
        count = await tx.scalar(select(func.count()).select_from(some))
        oldest = await tx.scalar(select(outbox.c.time).order_by(outbox.c.id).limit(1))
    OUTBOX_EVENTS.set(count or 0)
    OUTBOX_OLDEST_SECONDS.set((now() - oldest).total_seconds() if oldest else 0)
