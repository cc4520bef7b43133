"""The database is away for a while: clients are told to come again, and then all is as it was."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.load import EMAIL, insist, make_sources
from tests.kit.cluster import Cluster
from tests.kit.suite import PASSWORD
from tests.kit.web import served


@pytest.mark.timeout(300)
def test_clients_are_told_to_come_again(tmp_path: Path) -> None:
    make_sources(tmp_path / "sources")
    with Cluster(tmp_path / "cluster") as cluster, served(tmp_path / "sources") as source:
        cluster.run("users", "add", "--email", EMAIL, "--password", PASSWORD)
        known, unused = (cluster.run("keys", "add", "--email", EMAIL)["secret"] for _ in range(2))
        task = {"task_name": "image.info", "url": f"{source}/bunny.jpg"}
        with httpx.Client(base_url=cluster.url, timeout=60) as client:

            def create(secret: str, **more: Any) -> httpx.Response:
                body = {"secret": secret, "tasks": task, **more}
                return client.post("/v2/create", json=body, headers={"Idempotency-Key": secret})

            [made] = create(known, block=True).json()
            asked = {"tasks": made["key"]}
            cluster.postgres.kill()
            refuses_for_now(lambda: create(known))
            # Whether credentials that nobody has asked about lately are good, nobody knows now.
            refuses_for_now(lambda: create(unused))
            refuses_for_now(lambda: client.get("/v2/status", params=asked))
            refuses_for_now(lambda: client.post("/v2/status_stream", json=asked))
            cluster.postgres.start()
            cluster.revive()
            [again] = insist(lambda: create(known)).json()
            assert again == made
            [later] = insist(lambda: create(unused, block=True)).json()
            [repeated] = insist(lambda: create(unused)).json()
            assert repeated == later
            assert (made["status"], later["status"]) == ("success", "success")
        assert cluster.ask("tasks", "SELECT count(*) FROM tasks") == [(2,)]


def refuses_for_now(ask: Callable[[], httpx.Response]) -> None:
    """See that a request is put off, in the documented shape."""
    answer = ask()
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) >= 1
    body = answer.json()
    assert body.keys() == {"status", "errors"}
    assert body["status"] == "error"
    assert all(each.keys() == {"name", "location", "description"} for each in body["errors"])
