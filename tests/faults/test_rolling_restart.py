"""Workers are restarted one after the other under load, and nobody notices."""

import os
import random
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.faults import verdict
from tests.faults.load import FILM, Client, all_at_once, make_sources, pour
from tests.faults.strikes import WORKER
from tests.kit.suite import Suite
from tests.kit.waiting import wait_for
from tests.kit.web import served

WORKERS = 2


@pytest.mark.timeout(600)
def test_no_item_fails_and_none_is_begun_twice(tmp_path: Path) -> None:
    seed = os.environ.get("VITASCOPE_TEST_SEED") or secrets.token_hex(4)
    print(f"VITASCOPE_TEST_SEED={seed}")
    make_sources(tmp_path / "sources")
    with (
        Suite(tmp_path / "suite", workers=WORKERS) as suite,
        served(tmp_path / "sources") as source,
        Client(suite, source, random.Random(seed)) as client,  # noqa: S311
    ):
        over = threading.Event()
        all_at_once(
            lambda: pour(client, suite, over.is_set),
            lambda: restart_workers(suite, over),
            lambda: client.process_film(tmp_path / "sources" / FILM),
        )
        verdict.until_all_ended(suite)
        verdict.check_tasks(client, suite)
        verdict.check_films(client, tmp_path / "sources" / FILM, tmp_path)
        query = "SELECT kind, attempt, worker_id, error_message FROM items WHERE attempt > 1"
        assert suite.ask("tasks", query) == []
        verdict.check_nothing_left(suite)
        print(f"{len(client.promises.tasks)} tasks over {WORKERS} restarts")


def restart_workers(suite: Suite, over: threading.Event) -> None:
    """Restart each worker once; the next when the last is back at work."""
    try:
        until_more_than(suite.ended, 100)
        for worker in suite.parts(WORKER):
            restart(suite, worker)
    finally:
        over.set()


def restart(suite: Suite, worker: psutil.Process) -> None:
    """Stop a worker as a roll-out does, and see it take items when it is back."""
    name = worker.environ()["VITASCOPE_WORKER_ID"]
    worker.terminate()
    psutil.wait_procs([worker], timeout=60)

    def taken() -> int:
        rows = suite.ask("tasks", "SELECT worker_id, count(*) FROM items GROUP BY worker_id")
        return int(dict(rows)[name])

    until_more_than(taken, taken())


def until_more_than(count: Callable[[], int], number: int) -> None:
    """Wait until a count is above a number."""
    wait_for(lambda: count() > number, seconds=120, what=f"more than {number} items")
