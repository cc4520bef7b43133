"""What existing clients of the original service are seen to send: the house takes all of it."""

import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.kit.suite import Suite
from tests.surfaces.conftest import PAGE

VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])
ORIGIN = "https://app.example.com"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def client(suite: Suite, keys: dict[str, str]) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Secret {keys['secret']}"}
    with httpx.Client(base_url=suite.url, headers=headers, timeout=60) as client:
        yield client


def info(url: str, **more: Any) -> dict[str, Any]:
    return {"task_name": "image.info", "url": url, **more}


def statuses(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the list that every answer is, each status with its key."""
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    assert isinstance(found, list)
    assert all(len(each["key"]) == 26 for each in found)
    return found


def create(client: httpx.Client, tasks: Any, version: str = "v2", **body: Any) -> Any:
    return statuses(client.post(f"/{version}/create", json={"tasks": tasks, **body}))


@VERSIONS
def test_tasks_are_one_or_a_list(client: httpx.Client, picture: str, version: str) -> None:
    [alone] = create(client, info(picture), version)
    first, second = create(client, [info(picture), info(picture)], version)
    asked: dict[str, Any] = {
        alone["key"]: [alone["key"]],
        second["key"]: [second["key"]],
    }
    for key, listed in asked.items():
        for tasks in (key, listed):
            answer = client.post(f"/{version}/status", json={"tasks": tasks})
            assert [each["key"] for each in statuses(answer)] == [key]
    both = [second["key"], first["key"]]
    for answer in (
        client.post(f"/{version}/status", json={"tasks": both}),
        client.get(f"/{version}/status", params={"tasks": both}),
    ):
        assert [each["key"] for each in statuses(answer)] == both


@VERSIONS
@pytest.mark.parametrize("kind", [None, "text/plain;charset=UTF-8", FORM, "multipart/form-data"])
def test_bodies_are_json_whatever_their_type_says(
    client: httpx.Client, picture: str, version: str, kind: str | None
) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    body = f'{{"tasks": {{"task_name": "image.info", "url": "{picture}"}}}}'.encode()
    [made] = statuses(client.post(f"/{version}/create", content=body, headers=headers))
    body = f'{{"tasks": "{made["key"]}"}}'.encode()
    statuses(client.post(f"/{version}/status", content=body, headers=headers))


@VERSIONS
def test_the_body_of_a_get_is_ignored(client: httpx.Client, picture: str, version: str) -> None:
    [made] = create(client, info(picture), version)
    for body in (b"{}", b'{"tasks": "other"}', b"{"):
        answer = client.request(
            "GET", f"/{version}/status", params={"tasks": made["key"]}, content=body
        )
        assert [each["key"] for each in statuses(answer)] == [made["key"]]


@VERSIONS
def test_repeated_slashes_count_once(client: httpx.Client, picture: str, version: str) -> None:
    url = f"{client.base_url}//{version}///create"
    assert statuses(client.post(url, json={"tasks": info(picture)}))


@VERSIONS
@pytest.mark.parametrize("form", ["Secret {}", "SECRET {}", "secret  {}", "{}"])
@pytest.mark.parametrize("also_in_body", [True, False])
def test_every_form_of_the_secret(
    suite: Suite, keys: dict[str, str], picture: str, version: str, form: str, also_in_body: bool
) -> None:
    body: dict[str, Any] = {"tasks": info(picture)}
    if also_in_body:
        body["secret"] = keys["secret"]
    headers = {"Authorization": form.format(keys["secret"])}
    statuses(httpx.post(f"{suite.url}/{version}/create", json=body, headers=headers))


@VERSIONS
@pytest.mark.parametrize(
    "authorization", [None, "", "Secret", "Secret WRONG", "Bearer", "Basic !!", "Nonsense a b c"]
)
@pytest.mark.parametrize("method", ["status", "status_stream"])
def test_the_key_is_all_that_a_status_takes(
    client: httpx.Client, picture: str, version: str, authorization: str | None, method: str
) -> None:
    [made] = create(client, info(picture), version)
    headers = {} if authorization is None else {"Authorization": authorization}
    url = f"{client.base_url}/{version}/{method}"
    by_get = httpx.get(url, params={"tasks": made["key"]}, headers=headers, timeout=60)
    by_post = httpx.post(url, json={"tasks": made["key"]}, headers=headers, timeout=60)
    for answer in (by_get, by_post):
        assert answer.status_code == 200
        assert made["key"] in answer.text


@VERSIONS
def test_what_a_client_attaches_comes_back_with_the_details(
    client: httpx.Client, picture: str, version: str
) -> None:
    for metas in ({"order": 4711, "for": ["me"]}, "a text", [1, None], 5, None):
        [made] = create(client, info(picture, task_metas=metas), version, block=True)
        assert made["status"] == "success"
        assert "task_metas" not in made
        details = {"tasks": made["key"], "details": "true"}
        [told] = statuses(client.get(f"/{version}/status", params=details))
        assert told["task_metas"] == metas


def test_a_location_is_taken_and_ignored(client: httpx.Client, picture: str) -> None:
    store = {"type": "volatile", "location": "eu-west-1"}
    [made] = create(client, info(picture, task_store=store), block=True)
    assert made["status"] == "success"
    answer = client.get("/v2/storage/files/", params={"location": "eu-west-1"})
    assert answer.status_code == 200
    assert {"files", "directories", "usage"} <= answer.json().keys()


@VERSIONS
def test_a_page_of_another_site_may_ask_and_read(
    suite: Suite, keys: dict[str, str], picture: str, version: str
) -> None:
    url = f"{suite.url}/{version}/create"
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization,idempotency-key",
    }
    allowed = httpx.options(url, headers=asked)
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in allowed.headers["access-control-allow-methods"]
    named = allowed.headers["access-control-allow-headers"].split(", ")
    assert {"content-type", "authorization", "idempotency-key"} <= set(named)
    page = {"Origin": ORIGIN, "Referer": PAGE}
    body = {"api_key": keys["api_key"], "tasks": info(picture)}
    answer = httpx.post(url, json=body, headers=page, timeout=60)
    assert statuses(answer)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    refused = httpx.post(url, json=body, headers={"Origin": ORIGIN}, timeout=60)
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == ORIGIN


@VERSIONS
def test_files_are_fetched_by_a_plain_get(client: httpx.Client, picture: str, version: str) -> None:
    task = {"task_name": "image.thumb", "url": picture, "width": 40, "height": 30, "crop": True}
    [made] = create(client, task, version, block=True)
    address = made["result"]["output"].replace("https://", "http://")
    fetched = httpx.get(address, follow_redirects=True, timeout=60)
    with Image.open(io.BytesIO(fetched.content)) as image:
        assert image.size == (40, 30)


@VERSIONS
@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"task_name": None},
        {"task_name": "image.levitate"},
        {"task_name": "image.info"},
        {"task_name": "image.info", "url": {"a": [1]}},
        {"task_name": "image.thumb", "url": "x", "width": "wide", "colour": "red"},
        {"task_name": "image.info", "url": "x", "task_store": {"type": "nowhere"}},
        {"task_name": "image.info", "url": "x", "task_store": 5},
        {"task_name": "image.info", "url": "x", "url_callback": []},
        {"task_name": 7},
    ],
)
def test_a_bad_task_is_no_bad_request(
    client: httpx.Client, picture: str, version: str, wrong: dict[str, Any]
) -> None:
    bad, good = create(client, [wrong, info(picture)], version, block=True)
    assert (bad["status"], good["status"]) == ("error", "success")
    error = bad["result" if version == "v1" else "error"]
    assert error["parameters"]
    assert all(isinstance(each, list) and each for each in error["parameters"].values())


@VERSIONS
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"{", b"[]", b'"tasks"', b'{"tasks": []}', b'{"tasks": null}']
)
def test_a_bad_request_is_400(client: httpx.Client, version: str, body: bytes) -> None:
    answer = client.post(f"/{version}/create", content=body)
    assert answer.status_code == 400, answer.text
    found = answer.json()
    assert found["status"] == "error"
    assert all(each.keys() == {"name", "location", "description"} for each in found["errors"])


@VERSIONS
def test_the_stream_has_two_names(client: httpx.Client, picture: str, version: str) -> None:
    [made] = create(client, info(picture), version, block=True)
    lines = [
        client.get(f"/{version}/{name}", params={"tasks": made["key"]}).text.splitlines()
        for name in ("stream", "status_stream")
    ]
    assert lines[0] == lines[1]
    assert made["key"] in lines[0][0]
