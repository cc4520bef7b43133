"""The storage methods of the Tasks API by REST: lists, expiration, and how files are served."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.kit.waiting import wait_for
from tests.surfaces.conftest import PAGE
from tests.surfaces.documented import check
from tests.surfaces.keeper import (
    EXPIRATION,
    FILES,
    NAME,
    NOWHERE,
    Keeper,
    listing,
    path_of,
    problems,
)


def test_a_list_has_what_the_document_shows(keeper: Keeper) -> None:
    one, two = keeper.make("persistent", "")
    keys = sorted([one["key"], two["key"]])
    root = keeper.list()
    check(root, listing(NAME))
    assert root == {"files": [], "directories": [f"{key}/" for key in keys], "usage": 0}
    inside = keeper.list(one["key"])
    check(inside, listing(NAME))
    assert list(inside) == ["files", "directories", "usage"]
    [file] = inside["files"]
    size = len(keeper.client.get(one["result"]["output"]).content)
    assert (file["name"], file["size"]) == (path_of(one).split("/")[1], size)
    assert (inside["directories"], inside["usage"]) == ([], size)
    made = datetime.fromisoformat(file["last_modified"])
    assert timedelta(0) <= datetime.now(UTC) - made < timedelta(minutes=5)
    whole = keeper.list(recursive="true")
    check(whole, listing(rf"[A-Z2-7]{{26}}/{NAME}"))
    assert [each["name"] for each in whole["files"]] == sorted([path_of(one), path_of(two)])
    assert whole["usage"] == sum(each["size"] for each in whole["files"])
    assert whole["directories"] == []


def test_the_ways_to_say_the_same_path(keeper: Keeper) -> None:
    [made] = keeper.make("")
    key = made["key"]
    inside, root = keeper.list(key), keeper.list()
    secret = keeper.secret()
    for path in (f"{FILES}/{key}/", f"/{FILES}//{key}//", f"{FILES}/%{ord(key[0]):X}{key[1:]}"):
        assert keeper.client.get(f"{keeper.suite.url}{path}", params=secret).json() == inside, path
    for path in (FILES, f"{FILES}/", f"/{FILES}//"):
        assert keeper.client.get(f"{keeper.suite.url}{path}", params=secret).json() == root, path
    by_query = keeper.client.get(FILES, params={**secret, "path": key, "location": "eu-west-1"})
    assert by_query.json() == inside
    assert keeper.list(path_of(made)) == inside


@pytest.mark.parametrize("path", ["NOSUCHKEY", "..", "a/b/c/d", "K%C3%A9y", "%2F"])
def test_where_nothing_is_the_list_is_empty(keeper: Keeper, path: str) -> None:
    keeper.make("")
    for recursive in ("true", "false"):
        answer = keeper.client.get(
            f"{FILES}/{path}", params={**keeper.secret(), "recursive": recursive}
        )
        # What is left of `..` is up to the client.
        assert path == ".." or (answer.status_code, answer.json()) == (200, NOWHERE)


def test_a_list_takes_the_documented_credentials(keeper: Keeper) -> None:
    secret, api_key = keeper.keys["secret"], keeper.keys["api_key"]
    good: list[dict[str, Any]] = [
        {"params": {"secret": secret}},
        {"headers": {"Authorization": f"Secret {secret}"}},
        {"headers": {"Authorization": secret}},
        {"headers": {"Authorization": f"Api-Key {api_key}", "Referer": PAGE}},
        {"params": {"api_key": api_key}, "headers": {"Referer": PAGE}},
    ]
    bad: list[dict[str, Any]] = [
        {},
        {"params": {"secret": "WRONG"}},
        {"params": {"api_key": api_key}, "headers": {"Referer": "https://other.example/"}},
        {"headers": {"Authorization": f"Bearer {keeper.token}"}},
    ]
    for path in (FILES, EXPIRATION):
        for proof in good:
            assert keeper.client.get(path, **proof).status_code == 200, proof
        for proof in bad:
            problems(keeper.client.get(path, **proof), 401)
    for method, path in (("DELETE", FILES), ("POST", EXPIRATION)):
        body = {"days": 0} if path == EXPIRATION else {"dry_run": True}
        for proof in bad[:1]:
            problems(keeper.client.request(method, path, json=body, **proof), 401)


def test_a_wrong_flag_is_told(keeper: Keeper) -> None:
    answer = keeper.client.get(FILES, params={**keeper.secret(), "recursive": "perhaps"})
    assert problems(answer) == [("recursive", "query")]


def test_expiration(keeper: Keeper) -> None:
    assert keeper.client.get(EXPIRATION, params=keeper.secret()).json() == {"days": 0}
    [made] = keeper.make("persistent")
    url = made["result"]["output"]
    keeper.age(made["key"], timedelta(days=9))
    answer = keeper.ask("POST", EXPIRATION, {"days": 10, "location": "us-east-1"})
    assert (answer.status_code, answer.json()) == (200, {"days": 10})
    assert keeper.client.get(EXPIRATION, params=keeper.secret()).json() == {"days": 10}
    control = keeper.client.get(url).headers["cache-control"]
    assert 86_300 <= int(control.removeprefix("max-age=")) <= 86_400
    keeper.ask("POST", EXPIRATION, {"days": 9})
    assert problems(keeper.client.get(url), 404) == [("path", "path")]
    assert keeper.list(recursive="true") == NOWHERE


@pytest.mark.parametrize(
    ("body", "description"),
    [
        ({}, "days is missing"),
        ({"days": None}, "days is missing"),
        ({"days": -1}, ""),
        ({"days": 36_501}, ""),
        ({"days": 10**30}, ""),
        ({"days": 1.5}, ""),
        ({"days": "3"}, ""),
        ({"days": True}, ""),
    ],
)
def test_a_wrong_expiration_changes_nothing(
    keeper: Keeper, body: dict[str, Any], description: str
) -> None:
    keeper.ask("POST", EXPIRATION, {"days": 5})
    answer = keeper.ask("POST", EXPIRATION, body)
    assert problems(answer) == [("days", "body")]
    assert description in answer.json()["errors"][0]["description"]
    assert keeper.client.get(EXPIRATION, params=keeper.secret()).json() == {"days": 5}


@pytest.mark.parametrize(("version", "store"), [("v2", "volatile"), ("v1", "")])
def test_volatile_files_last_a_week(keeper: Keeper, version: str, store: str) -> None:
    [made] = keeper.make(store, version=version)
    url = made["result"]["output"]
    keeper.ask("POST", EXPIRATION, {"days": 1})
    keeper.age(made["key"], timedelta(days=6, hours=23))
    control = keeper.client.get(url).headers["cache-control"]
    assert 3_500 <= int(control.removeprefix("max-age=")) <= 3_600
    keeper.age(made["key"], timedelta(days=7))
    assert problems(keeper.client.get(url), 404) == [("path", "path")]


def test_a_file_is_served_as_documented(keeper: Keeper) -> None:
    [made] = keeper.make("")
    url = made["result"]["output"]
    whole = keeper.client.get(url)
    assert re.fullmatch(rf"{keeper.suite.url}/storage/[0-9a-f-]{{36}}/[A-Z2-7]{{26}}/{NAME}", url)
    assert whole.headers["cache-control"] == "max-age=604800"
    assert whole.headers["content-type"] == "image/jpeg"
    assert whole.headers["accept-ranges"] == "bytes"
    part = keeper.client.get(url, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, whole.content[2:6])
    assert part.headers["content-range"] == f"bytes 2-5/{len(whole.content)}"
    same = keeper.client.get(url, headers={"If-None-Match": whole.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert keeper.client.head(url).headers["content-length"] == str(len(whole.content))
    doubled = url.replace("/storage/", "//storage///").replace("dragon-", "%64ragon-")
    assert keeper.client.get(doubled, follow_redirects=True).content == whole.content


def test_a_full_account_gets_no_file(keepers: tuple[Keeper, Keeper]) -> None:
    keeper = keepers[1]
    keeper.make("")
    usage = keeper.list(recursive="true")["usage"]
    limit = ("limits", "set", "--team", keeper.team, "--stored-bytes")
    task = {"task_name": "image.thumb", "url": keeper.picture, "width": 64, "height": 64}
    body = {**keeper.secret(), "tasks": task, "block": True}

    def create() -> tuple[bool, str]:
        answer = keeper.client.post("/v2/create", json=body)
        return answer.is_success and answer.json()[0]["status"] == "success", answer.text

    def refused() -> str:
        made, said = create()
        return "" if made else said

    keeper.suite.run(*limit, str(usage + 1))
    try:
        # What is made until the limit is known everywhere may fill the account: then nothing is
        # even queued, before that the task fails.
        said = wait_for(refused, seconds=10, what="the limit to hold")
        assert f"may store {usage + 1} bytes" in said
    finally:
        keeper.suite.run(*limit, "0")
        wait_for(lambda: create()[0], seconds=10, what="the limit to be forgotten")
