"""Every example of both Tasks API documents, as it is printed there, against a running suite.

What is not here has a file of its own:

| of the documents | tested in |
|---|---|
| secrets and API keys in every place, 401, referrers | test_credentials.py |
| streams: lines, order, by GET and POST, both names | test_streams.py |
| lists, deletion, expiration of stored files | test_storage.py, test_storage_deletion.py |
| stores: youtube, s3_signed, dummy; bad ones | test_stores.py, tests/media/test_youtube*.py |
| callbacks and errbacks | test_callbacks.py |
| create_file and file: tags, programs, 400, 404; limits | test_create_file.py |
| what clients are seen to send | test_real_clients.py |
| every kind with its parameters and results | test_kinds_*.py |
"""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.kit.browser import chromium
from tests.kit.suite import Suite
from tests.kit.waiting import wait_for
from tests.kit.web import Reply, receiving, served
from tests.surfaces import examples
from tests.surfaces.conftest import PAGE, Person
from tests.surfaces.examples import local, see_alike
from tests.surfaces.keeper import FILES, Keeper, path_of

VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])


def by_version(example: str, version: str) -> str:
    """Return an example as version 1 has it: details of errors are in `result` there."""
    return example.replace('"error": {', '"result": {') if version == "v1" else example


def post(
    client: httpx.Client, path: str, body: str, headers: dict[str, str] | None = None
) -> httpx.Response:
    return client.post(path, content=body.encode(), headers=headers)


def created(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def proof(keys: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Secret {keys['secret']}"}


@VERSIONS
def test_credentials_in_the_body(
    anyone: httpx.Client, keys: dict[str, str], picture: str, version: str
) -> None:
    for example in (examples.BY_SECRET, examples.BY_API_KEY):
        body = local(example, picture, keys["secret"], keys["api_key"])
        answer = post(anyone, f"/{version}/create", body, {"Referer": PAGE})
        [status] = created(answer)
        see_alike([status], json.dumps(json.loads(examples.QUEUED)[:1]))
        assert keys["secret"] not in answer.text
        assert keys["api_key"] not in answer.text


@VERSIONS
def test_credentials_in_the_header(
    anyone: httpx.Client, keys: dict[str, str], picture: str, version: str
) -> None:
    body = local(examples.TWO_TASKS, picture)
    for value in (f"Secret {keys['secret']}", f"Api-Key {keys['api_key']}"):
        headers = {"Authorization": value, "Referer": PAGE}
        see_alike(created(post(anyone, f"/{version}/create", body, headers)), examples.QUEUED)


@VERSIONS
@pytest.mark.parametrize("body", ["{}", '{"block": true}', '{"tasks": null}'])
def test_a_request_without_tasks(
    anyone: httpx.Client, keys: dict[str, str], version: str, body: str
) -> None:
    for method in ("create", "create_stream", "status", "status_stream"):
        answer = post(anyone, f"/{version}/{method}", body, proof(keys))
        assert answer.status_code == 400, answer.text
        assert answer.json() == json.loads(examples.WITHOUT_TASKS)


@VERSIONS
def test_statuses_from_the_queue_to_the_end(
    anyone: httpx.Client, keys: dict[str, str], picture: str, version: str
) -> None:
    body = local(examples.TWO_TASKS, picture)
    made = created(post(anyone, f"/{version}/create", body, proof(keys)))
    see_alike(made, examples.QUEUED)
    names = [each["key"] for each in made]
    # As the document writes it: the name of the parameter once a key.
    address = f"/{version}/status?tasks={names[0]}&tasks={names[1]}&block=true"
    info, thumb = created(anyone.get(address))
    assert [info["key"], thumb["key"]] == names
    see_alike(info, examples.SUCCESS)
    assert ("exif_orientation" in info["result"]) == (version == "v2")
    assert info["events"]["queued"] <= info["events"]["started"] <= info["events"]["completed"]
    assert thumb["result"].keys() == {
        *("width", "height", "original_width", "original_height", "output")
    }
    by_post = {"tasks": names, "block": True}
    assert anyone.post(f"/{version}/status", json=by_post).json() == [info, thumb]


@VERSIONS
def test_a_task_that_is_executing(anyone: httpx.Client, keys: dict[str, str], version: str) -> None:
    with receiving(lambda _: Reply(None)) as silent:
        body = local(examples.BY_SECRET, f"{silent.url}/image.jpg", keys["secret"])
        [made] = created(post(anyone, f"/{version}/create", body))
        wait_for(lambda: silent.calls, seconds=60, what="the worker to begin")
        [status] = created(anyone.get(f"/{version}/status", params={"tasks": made["key"]}))
    see_alike(status, examples.EXECUTING)
    assert 0 <= status["progress"] <= 100
    assert "result" not in status


@VERSIONS
def test_a_required_parameter_that_is_not_there(
    anyone: httpx.Client, keys: dict[str, str], version: str
) -> None:
    body = '{"tasks": {"task_name": "image.info"}}'
    [status] = created(post(anyone, f"/{version}/create", body, proof(keys)))
    see_alike(status, by_version(examples.REFUSED, version))
    assert created(anyone.get(f"/{version}/status", params={"tasks": status["key"]})) == [status]


@VERSIONS
def test_what_is_known_before_the_end(
    anyone: httpx.Client, keys: dict[str, str], site: str, version: str
) -> None:
    film = {"task_name": "video.convert", "url": f"{site}/big_buck_bunny.mp4", "width": 64}
    answer = anyone.post(f"/{version}/create_stream", json={"tasks": film}, headers=proof(keys))
    _, *statuses = [json.loads(line) for line in answer.text.splitlines() if line]
    whole = statuses[-1]["result"]
    parts = [each for each in statuses if each["status"] == "executing" and "result" in each]
    assert parts
    for part in parts:
        assert part["result"]
        assert part["result"].items() < whole.items()
        see_alike({**part, "result": {}}, examples.PARTIAL)


@VERSIONS
def test_one_task_and_many_tasks_by_a_stream(
    anyone: httpx.Client, keys: dict[str, str], picture: str, version: str
) -> None:
    body = local(examples.STREAMED, picture)
    answer = post(anyone, f"/{version}/create_stream", body, proof(keys))
    first, *rest = [json.loads(line) for line in answer.text.splitlines() if line]
    see_alike(first, examples.QUEUED)
    for status in rest:
        running = status["status"] == "executing"
        see_alike(status, examples.EXECUTING if running else examples.SUCCESS)
    ended = {each["key"] for each in rest if each["status"] == "success"}
    assert ended == {each["key"] for each in first}


def test_definitions_with_a_store(keeper: Keeper) -> None:
    one = local(examples.IN_A_STORE, keeper.picture)
    body = f'{{"secret": "{keeper.keys["secret"]}", "block": true, "tasks": {one}}}'
    [status] = created(post(keeper.client, "/v2/create", body))
    see_alike(status, examples.SUCCESS)
    asked = {"tasks": status["key"], "details": "true"}
    [told] = created(keeper.client.get("/v2/status", params=asked))
    assert told["task_store"] == {"type": "volatile"}

    two = local(examples.IN_TWO_STORES, keeper.picture)
    made = created(post(keeper.client, "/v2/create", two, proof(keeper.keys)))
    see_alike(made, examples.QUEUED)
    wanted = {"tasks": [each["key"] for each in made], "block": True, "details": True}
    told = created(keeper.client.post("/v2/status", json=wanted))
    assert [each["task_store"]["type"] for each in told] == ["volatile", "persistent"]
    assert {each["status"] for each in told} == {"success"}


def test_storage(keeper: Keeper) -> None:
    [file], [other] = keeper.make("persistent"), keeper.make("persistent")
    found = keeper.list(file["key"])
    found["directories"] = keeper.list()["directories"][:1]
    see_alike(found, examples.LISTED)
    assert found["files"][0]["name"] == path_of(file).split("/")[1]
    everything = {**keeper.secret(), "dry_run": True}
    answer = keeper.client.request("DELETE", FILES, json=everything)
    see_alike(created(answer), examples.DELETED)
    assert answer.json()["deleted"] == sorted([path_of(file), path_of(other)])


@VERSIONS
def test_details(anyone: httpx.Client, keys: dict[str, str], picture: str, version: str) -> None:
    body = f'{{"tasks": {local(examples.ONE_TASK, picture)}}}'
    [made] = created(post(anyone, f"/{version}/create", body, proof(keys)))
    address = f"/{version}/status?tasks={made['key']}&block=true"
    [brief] = created(anyone.get(address))
    [whole] = created(anyone.get(f"{address}&details=true"))
    assert whole.items() >= brief.items()
    more = {name: value for name, value in whole.items() if name not in brief}
    assert isinstance(more.pop("worker"), str)
    assert more == {
        "task_name": "image.info",
        "parameters": {"url": picture},
        "task_store": {"type": "volatile" if version == "v1" else "persistent"},
        "task_metas": None,
        "attempts": 1,
    }


@pytest.mark.parametrize(
    ("version", "bitrates"), [("v1", (512, 64, 48000)), ("v2", (3000, 128, 44100))]
)
def test_details_have_the_defaults_of_the_version(
    anyone: httpx.Client, keys: dict[str, str], version: str, bitrates: tuple[int, ...]
) -> None:
    task = {"task_name": "video.convert", "url": "http://127.0.0.1:9/absent.mp4", "width": 64}
    [made] = created(anyone.post(f"/{version}/create", json={"tasks": task}, headers=proof(keys)))
    asked = {"tasks": made["key"], "details": "true"}
    [told] = created(anyone.get(f"/{version}/status", params=asked))
    parameters = told["parameters"]
    named = ("video_bitrate", "audio_bitrate", "sample_rate")
    assert tuple(parameters[name] for name in named) == bitrates
    assert (parameters["width"], parameters["crop"], parameters["video_codec"]) == (
        64,
        False,
        "h264",
    )
    assert ("crf" in parameters, "gop" in parameters) == (version == "v2", version == "v2")


@VERSIONS
def test_a_thumbnail_directly_in_an_image_tag(
    suite: Suite, ada: Person, picture: str, version: str, tmp_path: Path
) -> None:
    """The document's tag in a real browser, which names no more of its page than the origin."""
    with served(tmp_path) as shop, chromium() as browser:
        keys = suite.run("keys", "add", "--email", ada.email, "--referrer", f"{shop}/")
        query = f"task_name=image.thumb&url={picture}&width=90&api_key={keys['api_key']}"
        address = f"{suite.url}/{version}/create_file/cat.jpg?{query}"
        (tmp_path / "cats.html").write_text(f'<img src="{address}" />')
        page = browser.new_page()
        page.goto(f"{shop}/cats.html")
        page.wait_for_function("() => document.images[0].complete", timeout=60_000)
        assert page.evaluate("document.images[0].naturalWidth") == 90
