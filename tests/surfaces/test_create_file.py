"""`create_file` and `file` as pages and programs call them, and accounts at their limits."""

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.kit.suite import Suite
from tests.surfaces.conftest import PAGE, add_person

VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])
ORIGIN = "https://app.example.com"


def size_at(answer: httpx.Response) -> tuple[int, int]:
    """Return the size of the picture to which an answer redirects."""
    assert answer.status_code == 302, answer.text
    found = httpx.get(answer.headers["location"], timeout=60)
    with Image.open(io.BytesIO(found.content)) as image:
        return image.size


@VERSIONS
def test_an_image_tag(
    anyone: httpx.Client, keys: dict[str, str], picture: str, version: str
) -> None:
    address = f"/{version}/create_file/cat.jpg"
    task = {"task_name": "image.thumb", "url": picture, "width": "40", "height": "30"}
    asked = {**task, "crop": "true", "api_key": keys["api_key"]}
    answer = anyone.get(address, params=asked, headers={"Referer": PAGE, "Origin": ORIGIN})
    assert size_at(answer) == (40, 30)
    assert answer.headers["cache-control"] == "private, max-age=60"
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert keys["api_key"] not in answer.text
    elsewhere = anyone.get(address, params=asked, headers={"Referer": "https://evil.org/"})
    assert elsewhere.status_code == 401
    looked = anyone.head(address, params=asked, headers={"Referer": PAGE})
    assert (looked.status_code, looked.headers["allow"]) == (405, "GET, POST, OPTIONS")


@VERSIONS
def test_a_program(anyone: httpx.Client, keys: dict[str, str], picture: str, version: str) -> None:
    task = {"task_name": "image.thumb", "url": picture, "width": 40, "height": 30, "crop": True}
    body = {"task": task, "secret": keys["secret"]}
    for path in ("create_file", "create_file/output"):
        answer = anyone.post(f"/{version}/{path}", json=body)
        assert size_at(answer) == (40, 30)
        assert answer.headers["cache-control"] == "no-store"
    key = answer.json()["key"]
    for path in ("file", "file/output", "file/cat.jpg"):
        assert size_at(anyone.get(f"/{version}/{path}", params={"task": key})) == (40, 30)
        head = anyone.head(f"/{version}/{path}", params={"task": key})
        assert (head.status_code, head.content) == (302, b"")


@VERSIONS
def test_what_there_is_no_file_of(
    anyone: httpx.Client, keys: dict[str, str], picture: str, version: str
) -> None:
    named = "message" if version == "v1" else "error"
    body: dict[str, Any] = {"secret": keys["secret"], "task": {"task_name": "video.create"}}
    sentence = "is not a valid filename, choose one of: 'preview', 'export', 'thumbnail'"
    for path, name in (("create_file/medium", "medium"), ("create_file", "")):
        wrong = anyone.post(f"/{version}/{path}", json=body)
        assert wrong.status_code == 404
        assert wrong.json() == {"status": "error", named: f"'{name}' {sentence}"}
    task = {"task_name": "image.thumb", "url": f"{picture}.absent"}
    failed = anyone.post(f"/{version}/create_file", json={**body, "task": task})
    assert failed.status_code == 400
    assert (failed.json()["status"], len(failed.json()["key"])) == ("error", 26)
    for content in ({"secret": keys["secret"]}, {"secret": keys["secret"], "task": 5}):
        bad = anyone.post(f"/{version}/create_file", json=content)
        assert bad.status_code == 400
        assert [each["name"] for each in bad.json()["errors"]] == ["task"]
    assert anyone.get(f"/{version}/file").status_code == 400
    unknown = anyone.get(f"/{version}/file", params={"task": "A" * 26})
    assert (unknown.status_code, unknown.json()["status"]) == (400, "error")


@VERSIONS
def test_an_account_at_its_limits(
    anyone: httpx.Client, suite: Suite, picture: str, version: str
) -> None:
    person = add_person(suite, f"limited-{version}@example.org")
    secret = suite.run("keys", "add", "--email", person.email)["secret"]
    suite.run("limits", "set", "--team", person.team, "--tasks-per-minute", "2")
    task = {"task_name": "image.info", "url": picture}

    def create(number: int) -> httpx.Response:
        return anyone.post(f"/{version}/create", json={"secret": secret, "tasks": [task] * number})

    assert create(2).status_code == 200
    refused = create(1)
    assert refused.status_code == 401
    body = refused.json()
    assert body["status"] == "error"
    [error] = body["errors"]
    assert (error["name"], error["location"]) == ("tasks_per_minute", "account")
    assert "2 tasks a minute (tasks_per_minute)" in error["description"]
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    suite.run("limits", "set", "--team", person.team, "--reset", "tasks-per-minute")
