"""Deleting files by the Tasks API's storage methods: every documented parameter and answer."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.surfaces.keeper import (
    FILES,
    NOWHERE,
    Keeper,
    path_of,
    problems,
)


def test_deleting_everything(keeper: Keeper) -> None:
    made = keeper.make("persistent", "volatile")
    paths, usage = sorted(map(path_of, made)), keeper.list(recursive="true")["usage"]
    dry = keeper.delete(dry_run=True)
    assert dry == {"deleted": paths, "freed": usage, "usage": usage}
    assert keeper.client.get(made[0]["result"]["output"]).status_code == 200
    done = keeper.delete()
    assert done == {"deleted": paths, "freed": usage, "usage": 0}
    assert list(done) == ["deleted", "freed", "usage"]
    for status in made:
        gone = keeper.client.get(status["result"]["output"])
        assert problems(gone, 404) == [("path", "path")]
    assert keeper.list() == NOWHERE
    assert keeper.delete() == {"deleted": [], "freed": 0, "usage": 0}


def test_deleting_a_directory_and_a_file(keeper: Keeper) -> None:
    one, two, three = keeper.make("", "", "")
    assert keeper.delete(one["key"])["deleted"] == [path_of(one)]
    assert keeper.delete(path_of(two))["deleted"] == [path_of(two)]
    assert keeper.delete("NOSUCHKEY")["deleted"] == []
    by_body = keeper.delete(path=f"{three['key']}/", dry_run=True)
    assert by_body["deleted"] == [path_of(three)]
    by_query = keeper.client.delete(
        FILES, params={**keeper.secret(), "path": three["key"], "location": "eu-west-1"}
    )
    assert by_query.json()["deleted"] == [path_of(three)]


def test_deleting_by_time(keeper: Keeper) -> None:
    old, new = keeper.make("", "")
    keeper.age(old["key"], timedelta(days=3))
    [file] = keeper.list(new["key"])["files"]
    moment = file["last_modified"]
    earlier = (datetime.fromisoformat(moment) - timedelta(days=1)).isoformat()
    both = sorted([path_of(old), path_of(new)])
    table: list[tuple[dict[str, Any], list[str]]] = [
        ({"from": moment}, [path_of(new)]),
        ({"from": moment.removesuffix("Z"), "to": moment.removesuffix("Z")}, [path_of(new)]),
        ({"to": moment}, both),
        ({"to": earlier}, [path_of(old)]),
        ({"from": earlier, "to": earlier}, []),
        ({"max_age": 2}, [path_of(old)]),
        ({"max_age": 3.5}, []),
        ({"max_age": 2, "location": "us-east-1"}, [path_of(old)]),
        ({"from": None, "to": None, "max_age": None, "urls": None}, both),
    ]
    for which, expected in table:
        assert keeper.delete(dry_run=True, **which)["deleted"] == expected, which
    answer = keeper.client.delete(
        FILES, params={**keeper.secret(), "from": earlier, "dry_run": "true"}
    )
    assert answer.json()["deleted"] == [path_of(new)]
    assert keeper.delete(max_age=2)["deleted"] == [path_of(old)]
    assert [each["name"] for each in keeper.list(recursive="true")["files"]] == [path_of(new)]


def test_deleting_by_url(keeper: Keeper, neighbour: Keeper) -> None:
    one, two, three = keeper.make("", "", "")
    [theirs] = neighbour.make("")
    urls = [
        one["result"]["output"].replace("http://", "https://"),
        two["result"]["output"].replace("dragon-", "%64ragon-").replace("/storage/", "/storage//"),
        theirs["result"]["output"],
        f"{keeper.suite.url}/storage/none",
    ]
    done = keeper.delete("ignored", urls=urls, **{"from": "ignored", "max_age": 36500})
    assert done["deleted"] == [path_of(one), path_of(two)]
    assert keeper.client.get(theirs["result"]["output"]).status_code == 200
    assert keeper.delete(urls=[])["deleted"] == []
    for query in ([three["result"]["output"]], [theirs["result"]["output"], urls[0]]):
        params = {**keeper.secret(), "urls": query, "dry_run": "1"}
        answer = keeper.client.delete(FILES, params=params)
        assert answer.json()["deleted"] == ([path_of(three)] if len(query) == 1 else [])


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"from": "yesterday", "to": "2013-99-99"}, ["from", "to"]),
        ({"from": 5}, ["from"]),
        ({"max_age": -1}, ["max_age"]),
        ({"max_age": "old"}, ["max_age"]),
        ({"urls": ["KEY/name"]}, ["urls[0]"]),
        ({"urls": {"a": 1}}, ["urls[0]"]),
        ({"dry_run": "maybe"}, ["dry_run"]),
        ({"max-age": 3}, ["max-age"]),
        ({"older_than": 3}, ["older_than"]),
    ],
)
def test_a_wrong_condition_deletes_nothing(
    keeper: Keeper, body: dict[str, Any], names: list[str]
) -> None:
    keeper.make("")
    answer = keeper.ask("DELETE", FILES, body)
    assert problems(answer) == [(name, "body") for name in names]
    assert keeper.list()["directories"]


def test_a_wrong_condition_in_the_query_deletes_nothing(keeper: Keeper) -> None:
    keeper.make("")
    for query in ({"from": "yesterday"}, {"max_age": "-1"}, {"older_than": "3"}):
        answer = keeper.client.delete(FILES, params={**keeper.secret(), **query})
        assert [name for name, _ in problems(answer)] == list(query)
    broken = keeper.client.request("DELETE", FILES, content=b'{"max_age": ', params=keeper.secret())
    problems(broken)
    assert keeper.list()["directories"]


def test_accounts_are_apart(keeper: Keeper, neighbour: Keeper) -> None:
    [made] = keeper.make("")
    path, url = path_of(made), made["result"]["output"]
    absent = made["key"][::-1]
    for there, nowhere in ((made["key"], absent), (path, f"{absent}/none")):
        assert neighbour.list(there) == neighbour.list(nowhere) == NOWHERE
        assert neighbour.delete(there) == neighbour.delete(nowhere)
    assert neighbour.delete(urls=[url]) == {"deleted": [], "freed": 0, "usage": 0}
    assert neighbour.delete()["deleted"] == []
    assert keeper.client.get(url).status_code == 200
