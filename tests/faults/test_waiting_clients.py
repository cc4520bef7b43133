"""The ledger goes while clients wait for tasks: each is told to come back, and finds its own."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest

from tests.faults.load import PICTURES, all_at_once, insist, make_sources
from tests.kit.suite import Suite
from tests.kit.waiting import wait_for
from tests.kit.web import served

CLIENTS = 50
LEDGER, WORKER = "services.tasks", "services.media.worker"
EMAIL = "ada@example.org"
SOON_SECONDS = 5.0
"""Who waits at a ledger that stops hears of it at once, not when its grace is over."""


class Waiting:
    """Clients that wait for tasks, whose answers are noted as they come."""

    def __init__(self, http: httpx.Client, source: str) -> None:
        self._http = http
        self._task = {"task_name": "image.thumb", "url": f"{source}/{PICTURES[0]}", "width": 40}
        self.refused: list[httpx.Response] = []
        self.refused_at: list[float] = []
        self.keys: list[str] = []

    def client(self, number: int) -> Callable[[], None]:
        """Return what one client does from beginning to end."""
        ways = (self._block, self._create_file, self._status, self._file)
        return ways[number % len(ways)]

    def _block(self) -> None:
        body = {"tasks": self._task, "block": True}
        name = {"Idempotency-Key": uuid4().hex}
        [status] = self._insist(
            lambda: self._http.post("/v2/create", json=body, headers=name)
        ).json()
        self._check(status)

    def _create_file(self) -> None:
        name = {"Idempotency-Key": uuid4().hex}
        body = {"task": self._task}
        self._follow(lambda: self._http.post("/v2/create_file/cat.jpg", json=body, headers=name))

    def _status(self) -> None:
        query = {"tasks": self._create(), "block": "true"}
        [status] = self._insist(lambda: self._http.get("/v2/status", params=query)).json()
        self._check(status)

    def _file(self) -> None:
        key = self._create()
        self._follow(lambda: self._http.get("/v2/file/cat.jpg", params={"task": key}))

    def _create(self) -> str:
        [made] = insist(lambda: self._http.post("/v2/create", json={"tasks": self._task})).json()
        return str(made["key"])

    def _follow(self, ask: Callable[[], httpx.Response]) -> None:
        answer = self._insist(ask)
        picture = insist(lambda: self._http.get(answer.headers["location"]))
        assert picture.headers["content-type"] == "image/jpeg"
        self._check(answer.json())

    def _insist(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """Ask until the answer is no 503; note what is answered so."""

        def answered() -> httpx.Response | None:
            answer = ask()
            if answer.status_code != 503:
                return answer
            self.refused.append(answer)
            self.refused_at.append(time.monotonic())
            return None

        found = wait_for(answered, seconds=120, what="a result")
        assert found is not None
        assert found.status_code in (200, 302), found.text
        return found

    def _check(self, status: Any) -> None:
        assert status["status"] == "success", status
        self.keys.append(status["key"])


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    make_sources(tmp_path / "sources")
    with Suite(tmp_path / "suite") as suite:
        yield suite


@pytest.mark.timeout(300)
@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGKILL])
def test_every_waiting_client_gets_its_result(
    suite: Suite, tmp_path: Path, blow: signal.Signals
) -> None:
    suite.run("users", "add", "--email", EMAIL, "--password", "a password for tests")
    secret = suite.run("keys", "add", "--email", EMAIL)["secret"]
    with (
        served(tmp_path / "sources") as source,
        httpx.Client(
            base_url=suite.url,
            headers={"Authorization": f"Secret {secret}"},
            timeout=120,
            limits=httpx.Limits(max_connections=None),
        ) as http,
    ):
        waiting = Waiting(http, source)
        worker = suite.part(WORKER)
        worker.suspend()
        struck_at: list[float] = []

        def strike() -> None:
            wait_for(lambda: created(suite) == CLIENTS, seconds=60, what="all tasks to be created")
            old = suite.part(LEDGER)
            struck_at.append(time.monotonic())
            old.send_signal(blow)
            psutil.wait_procs([old], timeout=30)
            wait_for(lambda: waiting.refused, seconds=30, what="clients to be told")
            suite.part(LEDGER)
            worker.resume()

        all_at_once(strike, *(waiting.client(number) for number in range(CLIENTS)))
    assert len(set(waiting.keys)) == CLIENTS
    assert created(suite) == CLIENTS
    # All waited, or were just about to when nobody was there.
    assert len(waiting.refused) >= CLIENTS
    assert all(int(each.headers["retry-after"]) >= 1 for each in waiting.refused)
    assert sorted(waiting.refused_at)[CLIENTS // 2] - struck_at[0] < SOON_SECONDS


def created(suite: Suite) -> int:
    """How many tasks there are."""
    return int(suite.ask("tasks", "SELECT count(*) FROM tasks")[0][0])
