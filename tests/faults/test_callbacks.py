"""The ledger dies between a task's end, the call to its client, and its note of that call."""

import itertools
import json
import sqlite3
import ssl
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import httpx

from tests.kit.certificates import self_signed
from tests.kit.suite import Suite, kill
from tests.kit.waiting import wait_for
from tests.kit.web import Call, Reply, receiving
from tests.tasks.calling import ID, is_signed

TASKS = 40
KILLS = (5, 20)
"""At which calls the ledger is killed: they came, and it has no note of them."""

OVER = "SELECT count(*) FROM callbacks WHERE state = 'delivered'"


def test_every_client_is_called_and_repeats_have_the_same_id(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    trusted = {"SSL_CERT_FILE": str(certificate)}
    killed_at: list[str] = []
    numbers = itertools.count(1)

    with Suite(tmp_path / "suite", trusted) as suite:

        def reply(call: Call) -> Reply:
            if next(numbers) in KILLS:
                killed_at.append(call.headers[ID])
                kill(suite.part("services.tasks"))
                let_claims_run_out(suite)
            return Reply()

        with receiving(reply, tls) as endpoint:
            keys = create(suite, endpoint.url)
            wait_for(lambda: suite.ask("tasks", OVER) == [(TASKS,)], seconds=180, what="all calls")
            secret = suite.run("keys", "callback-secret", "--team", team(suite))["secret"]
        ids = defaultdict(set)
        for call in endpoint.calls:
            assert is_signed(call, secret)
            ids[json.loads(call.body)["key"]].add(call.headers[ID])
    assert ids.keys() == keys
    assert {len(each) for each in ids.values()} == {1}
    assert len(killed_at) == len(KILLS)
    for callback in killed_at:
        assert endpoint.ids(ID).count(callback) == 2
    # Besides them only what was under way at the same time.
    assert len(endpoint.calls) <= TASKS + 4 * len(KILLS)


def let_claims_run_out(suite: Suite) -> None:
    """Have the calls that the dead ledger was making be due, without the wait."""
    with closing(sqlite3.connect(suite.data / "db" / "tasks.sqlite", timeout=30)) as database:
        database.execute("UPDATE callbacks SET due_at = '2000-01-01 00:00:00.000000' WHERE claimed")
        database.commit()


def create(suite: Suite, url: str) -> set[str]:
    """Create tasks that end in an error as they are created; return their keys."""
    suite.run(
        "users", "add", "--email", "ada@example.org", "--password", "a password", "--team", "A"
    )
    secret = suite.run("keys", "add", "--email", "ada@example.org")["secret"]
    tasks = [{"task_name": "image.info", "url_errback": f"{url}/{n}"} for n in range(TASKS)]
    body = {"secret": secret, "tasks": tasks}
    answer = httpx.post(f"{suite.url}/v2/create", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return {each["key"] for each in answer.json()}


def team(suite: Suite) -> str:
    """The id of the only account."""
    [(account_id,)] = suite.ask("tasks", "SELECT DISTINCT account_id FROM callbacks")
    return str(account_id)
