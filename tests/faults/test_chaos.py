"""Everything dies at random moments; what was accepted ends once, and nothing else is left.

The seed of a run is printed; VITASCOPE_TEST_SEED repeats it. VITASCOPE_SOAK=1 makes it long.
"""

import os
import random
import secrets
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults import verdict
from tests.faults.load import FILM, Client, all_at_once, make_sources, pour
from tests.faults.strikes import Striker
from tests.kit.cluster import Cluster
from tests.kit.listener import Listener
from tests.kit.suite import Suite, Whole
from tests.kit.web import served

SOAK = os.environ.get("VITASCOPE_SOAK") == "1"
ROUNDS = 5 if SOAK else 1
ITEMS = int(os.environ.get("VITASCOPE_TEST_ITEMS", "2000"))
FILMS = 4 if SOAK else 2

VICTIMS = [
    *("worker", "worker", "child", "child", "child", "ledger", "ledger"),
    *("gateway", "media", "videos", "accounts"),
]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("_round", range(ROUNDS))
def test_embedded(tmp_path: Path, _round: int) -> None:
    with Suite(tmp_path / "suite", workers=2) as suite:
        survive(suite, [*VICTIMS, "broker"], ITEMS, tmp_path)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("_round", range(ROUNDS))
def test_on_postgresql_and_kafka(tmp_path: Path, _round: int) -> None:
    with Cluster(tmp_path / "cluster") as cluster:
        survive(cluster, [*VICTIMS, "postgres", "kafka"], ITEMS, tmp_path)


def survive(suite: Whole, victims: Sequence[str], items: int, folder: Path) -> None:
    """Load a suite, strike it meanwhile, and see what it made of that."""
    seed = os.environ.get("VITASCOPE_TEST_SEED") or secrets.token_hex(4)
    print(f"VITASCOPE_TEST_SEED={seed}")
    make_sources(folder / "sources")
    film = folder / "sources" / FILM
    with (
        served(folder / "sources") as source,
        Listener(suite.addresses()["broker"], verdict.TASKS, verdict.VIDEOS) as listener,
        Client(suite, source, random.Random(seed)) as client,  # noqa: S311
    ):
        striker = Striker(suite, listener, seed)
        try:
            all_at_once(
                lambda: pour(client, suite, lambda: len(client.promises.tasks) >= items),
                lambda: striker.strike_all(victims, items * 9 // 10),
                lambda: striker.freeze(items // 10),
                lambda: process_films(client, film),
            )
        finally:
            print(*striker.struck, sep="\n")
        verdict.until_all_ended(suite)
        statuses = verdict.check_tasks(client, suite)
        verdict.check_films(client, film, folder)
        verdict.check_film_events(client, listener, complete=striker.forgotten is None)
        verdict.check_events(listener, statuses, striker.forgotten)
        verdict.check_outputs(client, suite, statuses)
        verdict.check_nothing_left(suite)
        print(f"{len(statuses)} tasks; {listener.repeats} events came again")


def process_films(client: Client, film: Path) -> None:
    """Have some films uploaded and processed, one after the other."""
    for _ in range(FILMS):
        client.process_film(film)
