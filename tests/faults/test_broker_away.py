"""The broker is away for a while: nobody waits for it, and in the end it hears everything."""

import os
import random
import secrets
import time
from pathlib import Path

import pytest

from tests.faults import verdict
from tests.faults.load import FILM, Client, make_sources
from tests.kit.kafka import local_kafka
from tests.kit.listener import Listener
from tests.kit.servers import started
from tests.kit.suite import Suite
from tests.kit.waiting import wait_for
from tests.kit.web import served

SOAK = os.environ.get("VITASCOPE_SOAK") == "1"
AWAY_SECONDS = 120.0 if SOAK else 20.0


@pytest.mark.timeout(600)
def test_work_goes_on_and_nothing_is_lost(tmp_path: Path) -> None:
    seed = os.environ.get("VITASCOPE_TEST_SEED") or secrets.token_hex(4)
    print(f"VITASCOPE_TEST_SEED={seed}")
    make_sources(tmp_path / "sources")
    (tmp_path / "kafka").mkdir()
    with (
        started(local_kafka(tmp_path / "kafka")) as kafka,
        Suite(tmp_path / "suite", {"VITASCOPE_KAFKA_SERVERS": kafka.address}) as suite,
        served(tmp_path / "sources") as source,
        Listener(kafka.address, verdict.TASKS) as listener,
        Client(suite, source, random.Random(seed)) as client,  # noqa: S311
    ):
        work(client, suite)
        before = len(client.promises.tasks)
        kafka.kill()
        video = client.upload(tmp_path / "sources" / FILM)
        back = time.monotonic() + AWAY_SECONDS
        while time.monotonic() < back:
            work(client, suite)
        if SOAK:
            # Without an event: videos asks media and the ledger when it hears nothing.
            client.finish_ingestion(video)
        made = len(client.promises.tasks) - before
        print(f"{made} tasks in {AWAY_SECONDS:.0f} s without a broker")
        [(waiting,)] = suite.ask("tasks", "SELECT count(*) FROM outbox")
        assert waiting >= made, "events cannot have left"
        kafka.start()
        verdict.until_all_ended(suite)
        client.finish_ingestion(video)
        statuses = verdict.check_tasks(client, suite)
        verdict.check_events(listener, statuses, forgotten=None)


def work(client: Client, suite: Suite) -> None:
    """Have a batch accepted, and see it end."""
    client.create_tasks()
    wait_for(
        lambda: suite.ended() >= len(client.promises.tasks),
        seconds=60,
        what="the batch to end",
    )
