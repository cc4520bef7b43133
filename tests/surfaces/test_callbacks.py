"""Callbacks and errbacks: "the same JSON that you would get on POST /status"."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.tasks.api.versions import V1, V2, Version
from tests.kit.suite import Suite
from tests.kit.waiting import wait_for
from tests.kit.web import Call, Endpoint, Reply, receiving
from tests.surfaces.conftest import Person
from tests.tasks.calling import ID, is_signed

VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])


@pytest.fixture(scope="module")
def client(suite: Suite, ada: Person) -> Iterator[httpx.Client]:
    """A client with a key of Ada's team."""
    secret = suite.run("keys", "add", "--email", ada.email)["secret"]
    headers = {"Authorization": f"Secret {secret}"}
    with httpx.Client(base_url=suite.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with receiving() as endpoint:
        yield endpoint


def both(endpoint: Endpoint) -> dict[str, str]:
    return {"url_callback": f"{endpoint.url}/well", "url_errback": f"{endpoint.url}/badly"}


def create(client: httpx.Client, version: str, *tasks: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.post(f"/{version}/create", json={"tasks": list(tasks)})
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def called(endpoint: Endpoint, count: int) -> list[Call]:
    wait_for(lambda: len(endpoint.calls) >= count, seconds=60, what=f"{count} calls")
    assert len(endpoint.calls) == count
    return endpoint.calls


@VERSIONS
@pytest.mark.parametrize("ends_well", [True, False])
def test_the_body_is_the_status(
    suite: Suite,
    ada: Person,
    client: httpx.Client,
    picture: str,
    version: str,
    ends_well: bool,
) -> None:
    answers = []

    def reply(call: Call) -> Reply:
        # As it comes, the status is there to be read.
        key = json.loads(call.body)["key"]
        answers.append(httpx.post(f"{suite.url}/{version}/status", json={"tasks": key}).content)
        return Reply()

    with receiving(reply) as endpoint:
        given = {name: f"{url}?a=b" for name, url in both(endpoint).items()}
        url = picture if ends_well else picture.replace("bunny_sideways.jpg", "LICENCES.md")
        [status] = create(client, version, {"task_name": "image.info", "url": url, **given})
        [call] = called(endpoint, 1)
        wait_for(lambda: answers, seconds=20, what="the status")
    assert (call.method, call.path) == ("POST", "/well?a=b" if ends_well else "/badly?a=b")
    assert call.headers["content-type"] == "application/json"
    assert answers == [b"[" + call.body + b"]"]
    said = json.loads(call.body)
    assert said["key"] == status["key"]
    assert said["status"] == ("success" if ends_well else "error")
    secret = suite.run("keys", "callback-secret", "--team", ada.team)["secret"]
    assert is_signed(call, secret)
    assert len(call.headers[ID]) == 26


@pytest.mark.parametrize(("version", "shown"), [("v1", V1), ("v2", V2)])
def test_all_tasks_take_both(
    client: httpx.Client, endpoint: Endpoint, version: str, shown: Version
) -> None:
    """Each is refused for what it lacks, and the client is told so, not asked to leave this."""
    asked = [{"task_name": name, "unheard_of": 1, **both(endpoint)} for name in shown.kinds]
    statuses = create(client, version, *asked)
    calls = called(endpoint, len(asked))
    assert {call.path for call in calls} == {"/badly"}
    told = [json.loads(call.body) for call in calls]
    assert {each["key"]: each for each in told} == {each["key"]: each for each in statuses}
    for status in statuses:
        problems = status["result" if version == "v1" else "error"]["parameters"]
        assert not {"url_callback", "url_errback"} & problems.keys()


@VERSIONS
def test_a_task_that_is_called_off_is_an_error(
    suite: Suite, client: httpx.Client, endpoint: Endpoint, version: str
) -> None:
    with receiving(lambda _: Reply(None)) as silent:
        task = {"task_name": "image.info", "url": f"{silent.url}/picture.jpg", **both(endpoint)}
        [status] = create(client, version, task)
        suite.run("work", "cancel", status["key"], "--json")
        [call] = called(endpoint, 1)
    assert call.path == "/badly"
    said = json.loads(call.body)
    assert (said["key"], said["status"]) == (status["key"], "error")


@VERSIONS
@pytest.mark.parametrize("url", ["here", "ftp://there.example/", "http://", "http://a b/"])
def test_an_address_that_is_none_is_told(
    client: httpx.Client, endpoint: Endpoint, picture: str, version: str, url: str
) -> None:
    task = {"task_name": "image.info", "url": picture, "url_errback": endpoint.url}
    [status] = create(client, version, task | {"url_callback": url})
    problem = {"parameters": {"url_callback": ["must be an http or https URL"]}}
    assert status["result" if version == "v1" else "error"] == problem
    called(endpoint, 1)


def test_what_is_not_taken_can_be_looked_after(
    suite: Suite, client: httpx.Client, endpoint: Endpoint
) -> None:
    endpoint.reply = lambda _: Reply(500)
    address = endpoint.url.replace("://", "://ann:hush@") + "/hook?token=hush"
    [status] = create(client, "v2", {"task_name": "image.info", "url_errback": address})
    key = status["key"]

    def tried() -> Any:
        asked = ("list", "--task", key, "--state", "waiting", "--json")
        return [each for each in suite.run("work", "callbacks", *asked) if each["last_failure"]]

    [listed] = wait_for(tried, seconds=60, what="a try in vain")
    assert listed["url"] == endpoint.url.replace("://", "://***@") + "/hook?***"
    assert listed["last_failure"] == "The server 127.0.0.1 answered with the status 500."
    shown = suite.run("work", "callbacks", "show", listed["callback_id"], "--json")
    assert shown["body"].encode() == endpoint.calls[0].body
    assert "hush" not in str(listed) + str(shown) + suite.logs()
    endpoint.reply = lambda _: Reply(204)
    suite.run("work", "callbacks", "retry", listed["callback_id"], "--json")

    def delivered() -> Any:
        asked = ("list", "--task", key, "--state", "delivered", "--json")
        return suite.run("work", "callbacks", *asked)

    [over] = wait_for(delivered, seconds=60, what="the delivery")
    assert over["callback_id"] == listed["callback_id"]
    assert set(endpoint.ids(ID)) == {listed["callback_id"]}


def test_another_secret_signs_soon(suite: Suite, client: httpx.Client, endpoint: Endpoint) -> None:
    grace = suite.run("users", "add", "--email", "grace@example.org", "--password", "12345678")
    secret = suite.run("keys", "add", "--email", "grace@example.org")["secret"]
    task = {"task_name": "image.info", "url_errback": endpoint.url}
    team = ("--team", grace["team_id"])
    first = suite.run("keys", "callback-secret", *team)["secret"]
    second = suite.run("keys", "callback-secret", "--rotate", *team)["secret"]
    assert suite.run("keys", "callback-secret", *team)["secret"] == second != first
    client.post("/v2/create", json={"tasks": task, "secret": secret}, headers={"authorization": ""})
    [call] = called(endpoint, 1)
    assert is_signed(call, second)
