"""`create_stream`, `status_stream` and `stream`, as the documents and their clients have them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.kit.suite import Suite
from tests.surfaces.conftest import PAGE
from tests.surfaces.documented import PERCENT, Shape, check

VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])
ORIGIN = PAGE.removesuffix("/editor")
KEY = re.compile(r"[A-Z2-7]{26}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
# The documents' example leaves out `progress`, which their list of a status's keys has.
QUEUED: Shape = {
    "status": frozenset({"queued"}),
    "key": KEY,
    "progress": type(None),
    "events": {"queued": MOMENT},
}
EXECUTING: Shape = {
    "status": frozenset({"executing"}),
    "key": KEY,
    "progress": PERCENT,
    "events": {"queued": MOMENT, "started": MOMENT},
    "result?": dict,
}
SUCCESS: Shape = {
    "status": frozenset({"success"}),
    "key": KEY,
    "progress": PERCENT,
    "events": {"queued": MOMENT, "started": MOMENT, "completed": MOMENT},
    "result": dict,
}
SHAPES = {"executing": EXECUTING, "success": SUCCESS}


@pytest.fixture
def client(suite: Suite, keys: dict[str, str]) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Secret {keys['secret']}"}
    with httpx.Client(base_url=suite.url, headers=headers, timeout=60) as client:
        yield client


def lines_of(answer: httpx.Response) -> list[Any]:
    """Check that an answer is a stream; return its lines, without the empty ones."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert "content-encoding" not in answer.headers
    assert answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines() if line]


def info(picture: str) -> dict[str, str]:
    return {"task_name": "image.info", "url": picture}


@VERSIONS
def test_the_documents_example(client: httpx.Client, picture: str, version: str) -> None:
    first, *rest = lines_of(
        client.post(f"/{version}/create_stream", json={"tasks": [info(picture), info(picture)]})
    )
    assert len(first) == 2
    told: dict[str, list[Any]] = {}
    for status in first:
        check(status, QUEUED)
        told[status["key"]] = []
    for status in rest:
        check(status, SHAPES[status["status"]])
        told[status["key"]].append(status)
    assert len(told) == 2
    for status, (begun, *_, ended) in zip(first, told.values(), strict=True):
        assert (begun["status"], ended["status"]) == ("executing", "success")
        assert ended["events"]["queued"] == status["events"]["queued"]
        [known] = client.get(f"/{version}/status", params={"tasks": ended["key"]}).json()
        assert known == ended


@VERSIONS
@pytest.mark.parametrize("path", ["status_stream", "stream", "/stream"])
def test_status_streams_of_tasks_that_ended(
    client: httpx.Client, picture: str, version: str, path: str
) -> None:
    tasks = [info(picture), {"task_name": "image.info"}]
    made = client.post(f"/{version}/create", json={"tasks": tasks, "block": True}).json()
    keys = [made[1]["key"], "A" * 26, made[0]["key"]]
    anyone = httpx.Client(base_url=client.base_url, timeout=60)
    address = f"/{version}/{path}"
    with anyone:
        [by_get] = lines_of(anyone.get(address, params={"tasks": keys}))
        [by_post] = lines_of(anyone.post(address, json={"tasks": keys}))
        [alone] = lines_of(anyone.post(address, content=json.dumps({"tasks": keys[2]})))
    assert by_get == by_post
    assert [each["key"] for each in by_get] == keys
    assert [by_get[0], by_get[2]] == [made[1], made[0]]
    assert by_get[1]["status"] == "error"
    assert alone == [made[0]]


@VERSIONS
def test_a_repeat_by_one_name_follows_the_same_tasks(
    client: httpx.Client, picture: str, version: str
) -> None:
    named = {"Idempotency-Key": f"a stream of {version}"}
    asked = {"tasks": info(picture)}
    [created] = client.post(f"/{version}/create", json=asked, headers=named).json()
    streams = [
        lines_of(client.post(f"/{version}/create_stream", json=asked, headers=named))
        for _ in range(2)
    ]
    for [[first], *rest] in streams:
        assert {each["key"] for each in (first, *rest)} == {created["key"]}
        assert [first, *rest][-1]["status"] == "success"


@pytest.mark.parametrize("body", [{}, {"tasks": []}, {"tasks": 5}, []])
def test_a_request_that_is_none(client: httpx.Client, body: Any) -> None:
    for path in ("/v2/create_stream", "/v2/status_stream"):
        answer = client.post(path, json=body)
        assert answer.status_code == 400
        assert answer.json()["status"] == "error"


def test_credentials(suite: Suite, keys: dict[str, str], picture: str) -> None:
    asked = {"tasks": info(picture)}
    with httpx.Client(base_url=suite.url, timeout=60) as anyone:
        assert anyone.post("/v2/create_stream", json=asked).status_code == 401
        by_body = anyone.post("/v2/create_stream", json={**asked, "secret": keys["secret"]})
        assert lines_of(by_body)[-1]["status"] == "success"
        page = {"Referer": PAGE, "Origin": ORIGIN}
        by_page = {**asked, "api_key": keys["api_key"]}
        answer = anyone.post("/v2/create_stream", json=by_page, headers=page)
        assert lines_of(answer)[-1]["status"] == "success"
        assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_head(client: httpx.Client) -> None:
    answer = client.head("/v2/status_stream", params={"tasks": "A" * 26})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/x-ndjson"


@VERSIONS
def test_ten_thousand_keys(client: httpx.Client, picture: str, version: str) -> None:
    [made] = client.post(f"/{version}/create", json={"tasks": info(picture), "block": True}).json()
    asked = [f"{number:026}" for number in range(9999)] + [made["key"]]
    statuses = client.post(f"/{version}/status", json={"tasks": asked}).json()
    assert [each["key"] for each in statuses] == asked
    assert statuses[-1] == made
    [line] = lines_of(client.post(f"/{version}/status_stream", json={"tasks": asked}))
    assert line == statuses
    assert client.post(f"/{version}/status", json={"tasks": [*asked, "A"]}).status_code == 400
