"""`vitascope work` against a running suite."""

import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.kit.suite import VITASCOPE, Suite
from tests.kit.waiting import wait_for


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with Suite(tmp_path_factory.mktemp("work"), {"VITASCOPE_WORKER_DRAIN_SECONDS": "1"}) as suite:
        yield suite


@pytest.fixture(scope="module")
def secret(suite: Suite) -> str:
    with suite.signed_in("ada@example.org"):
        return str(suite.run("keys", "add", "--email", "ada@example.org")["secret"])


def create(suite: Suite, secret: str, **parameters: Any) -> str:
    body = {"tasks": {"task_name": "image.info", **parameters}, "secret": secret}
    answer = httpx.post(f"{suite.url}/v2/create", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()[0]["key"])


def command(suite: Suite, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `vitascope work` as people do."""
    return subprocess.run(
        [*VITASCOPE, "work", *arguments, "--data", str(suite.data)],
        capture_output=True,
        env={"COLUMNS": "200", "PATH": ""},
        text=True,
        check=False,
        timeout=60,
    )


def test_from_an_error_to_another_try(suite: Suite, secret: str) -> None:
    key = create(suite, secret, url=f"{suite.url}/openapi.json")
    ended = wait_for(
        lambda: suite.run("work", "list", "--state", "error", "--json"),
        seconds=60,
        what="the task to fail",
    )
    [item] = ended
    assert (item["item_id"], item["state"], item["attempt"]) == (key, "error", 1)
    shown = suite.run("work", "show", key, "--json")
    assert (shown["kind"], shown["lane"], shown["checkpoint_bytes"]) == ("image.info", "short", 0)
    assert shown["last_failure"] == item["error_message"] != ""
    [again] = suite.run("work", "retry", key, "--json")
    assert (again["item_id"], again["state"], again["requeued"]) == (key, "queued", 1)
    wait_for(
        lambda: suite.run("work", "list", "--state", "error", "--json"),
        seconds=60,
        what="the task to fail again",
    )
    assert suite.run("work", "show", key, "--json")["attempt"] == 2


def test_people_read_tables(suite: Suite, secret: str) -> None:
    key = create(suite, secret)
    listed = command(suite, "list", "--state", "error", "--limit", "1")
    assert key in listed.stdout
    assert "this field is required" in listed.stdout
    assert key in command(suite, "list", "--parts").stdout
    shown = command(suite, "show", key)
    assert "last failure" not in shown.stdout
    assert "parts" not in shown.stdout
    assert "this field is required" in shown.stdout
    refused = command(suite, "retry", key)
    assert "error" in refused.stdout, "it stays as it is"
    unknown = command(suite, "cancel", "NOTHING")
    assert (unknown.returncode, "NOTHING" in unknown.stderr) == (1, True)
    missing = command(suite, "show", "NOTHING")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "NOTHING" in missing.stderr


def test_a_state_that_is_none_is_refused(suite: Suite) -> None:
    wrong = command(suite, "list", "--state", "lost")
    assert wrong.returncode == 2
    assert "queued, executing, success, error, cancelled" in " ".join(wrong.stderr.split())
    both = command(suite, "drain")
    assert both.returncode == 2


def test_a_drained_worker_ends_and_a_fresh_one_comes(suite: Suite) -> None:
    [worker] = suite.run("work", "workers", "--json")
    assert (worker["worker_id"], worker["slots"], worker["item_ids"]) == ("worker-1", 2, [])
    assert "image.info" in worker["kinds"]
    assert "worker-1" in command(suite, "workers").stdout
    before = suite.part("services.media.worker").pid
    assert suite.run("work", "drain", "worker-1", "--json") == ["worker-1"]
    wait_for(
        lambda: (
            suite.part("services.media.worker").pid != before
            and [each["draining"] for each in suite.run("work", "workers", "--json")] == [False]
        ),
        seconds=60,
        what="a fresh worker",
    )
    unknown = command(suite, "drain", "worker-7")
    assert (unknown.returncode, "worker-7" in unknown.stderr) == (1, True)
