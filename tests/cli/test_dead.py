"""`vitascope dead` against a running suite."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from tests.kit.suite import VITASCOPE, Suite
from tests.kit.waiting import wait_for

TOPIC = "vitascope.work.v1"


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with Suite(tmp_path_factory.mktemp("dead")) as suite:
        yield suite


async def publish_nonsense(servers: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=servers)
    await producer.start()
    await producer.send_and_wait(TOPIC, key=b"K", value=b"\xff", headers=[("ce_id", b"odd one")])
    await producer.stop()


def command(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `vitascope dead` as people do."""
    return subprocess.run(
        [*VITASCOPE, "dead", *arguments, "--data", str(data)],
        capture_output=True,
        env={"COLUMNS": "250", "PATH": ""},
        text=True,
        check=False,
        timeout=60,
    )


def letters(suite: Suite, count: int) -> list[dict[str, Any]]:
    def look() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = suite.run("dead", "list", "--json")
        return found if len(found) >= count else []

    return wait_for(look, seconds=60, what=f"{count} dead letters")


def test_from_nonsense_to_a_replay_and_another_one(suite: Suite) -> None:
    assert suite.run("dead", "list", "--json") == []
    addresses = json.loads((suite.data / "run" / "addresses.json").read_text())
    asyncio.run(publish_nonsense(addresses["broker"]))
    [letter] = letters(suite, 1)
    assert (letter["topic"], letter["group"], letter["key"]) == (TOPIC, "videos", "K")
    assert (letter["event_id"], letter["replayed"]) == ("odd one", False)
    assert "DecodeError" in letter["error"]
    listed = command(suite.data, "list", "--topic", TOPIC)
    assert "videos" in listed.stdout
    assert "DecodeError" in listed.stdout
    assert suite.run("dead", "list", "--topic", "vitascope.media.v1", "--json") == []

    place = letter["place"]
    sent = command(suite.data, "replay", TOPIC, place)
    assert (sent.returncode, sent.stdout) == (0, f"sent again: {place}\n")
    # It is nonsense still: it had not been remembered as handled.
    first, second = letters(suite, 2)
    assert [first["replayed"], second["replayed"]] == [True, False]
    again = command(suite.data, "replay", TOPIC, place)
    assert f"sent again before, left out: {place}" in again.stdout
    answer = suite.run("dead", "replay", TOPIC, "--all", "--json")
    assert answer == {"replayed": [second["place"]], "replayed_before": [place]}
    assert len(letters(suite, 3)) == 3


def test_what_is_not_there_is_refused(suite: Suite, tmp_path: Path) -> None:
    unknown = command(suite.data, "replay", TOPIC, "0/999")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "0/999" in unknown.stderr
    assert command(suite.data, "replay", TOPIC).returncode == 2
    nowhere = command(tmp_path, "list")
    assert nowhere.returncode == 1
    assert "no suite runs" in nowhere.stderr
