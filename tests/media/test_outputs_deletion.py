"""Deleting outputs of an account, on both engines."""

import asyncio
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct, Value

from services.chassis.errors import Invalid, from_rpc
from services.media.actions import deletion
from services.media.model.files import OutputAddress
from services.media.model.outputs import listed_time
from services.media.store import accounting, holdings, serving
from tests.media.holdings import WEEK, Clock, Holdings
from tests.media.house import TEAM
from tests.media.test_outputs import served

HOST = "https://media.example"


def urls(*given: Any) -> Value:
    """The field `urls` with a list."""
    return Value(list_value=ParseDict({"urls": list(given)}, Struct()).fields["urls"].list_value)


async def refusal(mine: Holdings, **which: Any) -> Invalid:
    """Why a deletion is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await mine.delete(**which)
    error = from_rpc(refused.value)
    assert isinstance(error, Invalid)
    return error


PATHS: dict[str, list[str]] = {
    "": ["KEY1/one", "KEY1/two", "KEY2/one"],
    "/": ["KEY1/one", "KEY1/two", "KEY2/one"],
    "KEY1": ["KEY1/one", "KEY1/two"],
    "KEY1/": ["KEY1/one", "KEY1/two"],
    "//KEY1//one": ["KEY1/one"],
    "KEY1/one": ["KEY1/one"],
    "KEY": [],
    "KEY1/on": [],
    "KEY1/one/more": [],
    "..": [],
    "KEY1/%6Fne": [],
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dry_run", [False, True])
async def test_by_path(mine: Holdings, path: str, dry_run: bool) -> None:
    await mine.make("KEY1", "one", "two", size=7)
    await mine.make("KEY2", "one", size=7)
    before, expected = await mine.names(), PATHS[path]
    freed = 7 * len(expected)
    left = 21 if dry_run else 21 - freed
    assert await mine.delete(path=path, dry_run=dry_run) == (expected, freed, left)
    kept = before if dry_run else [name for name in before if name not in expected]
    assert await mine.names() == kept
    await mine.house.has_left(len(kept))


async def test_by_time(mine: Holdings, clock: Clock) -> None:
    await mine.make("KEY1", "old")
    clock.move(timedelta(days=2))
    await mine.make("KEY2", "new")
    async with mine.house.backends.database.reading() as tx:
        output = await serving.find_output(tx, OutputAddress(TEAM, "KEY2", "new"), clock.now())
    assert output is not None
    moment = listed_time(output.file.stored_at)
    just_before = listed_time(output.file.stored_at - timedelta(milliseconds=1))
    just_after = listed_time(output.file.stored_at + timedelta(milliseconds=1))
    naive = moment.removesuffix("Z")
    table: list[tuple[dict[str, Any], list[str]]] = [
        ({"since": moment}, ["KEY2/new"]),
        ({"since": naive}, ["KEY2/new"]),
        ({"since": just_after}, []),
        ({"until": moment}, ["KEY1/old", "KEY2/new"]),
        ({"until": just_before}, ["KEY1/old"]),
        ({"since": moment, "until": moment}, ["KEY2/new"]),
        ({"since": moment, "until": just_before}, []),
        ({"since": "2013-10-28", "until": "2013-10-28T20:22:21+02:00"}, []),
        ({"max_age": 1}, ["KEY1/old"]),
        ({"max_age": 1.5, "path": "KEY2"}, []),
        ({"max_age": 3}, []),
        ({"max_age": 36500}, []),
        ({"max_age": 0}, ["KEY1/old", "KEY2/new"]),
        ({"max_age": 1, "since": moment}, []),
    ]
    clock.move(timedelta(seconds=1))
    for which, expected in table:
        assert (await mine.delete(**which, dry_run=True))[0] == expected, which
    assert (await mine.delete(until=just_before))[0] == ["KEY1/old"]
    assert await mine.names() == ["KEY2/new"]


async def test_by_url(mine: Holdings, theirs: Holdings) -> None:
    [one] = await mine.make("KEY1", "one")
    [two] = await mine.make("KEY2", "two")
    [three] = await mine.make("KEY3", "three")
    [other] = await theirs.make("KEY4", "theirs")
    asked = urls(
        f"{HOST}/storage/{one}",
        f"HTTP://other.example:8080//storage//{two.replace('two', '%74wo')}?x=1#y",
        f"{HOST}/storage/{one}",
        f"{HOST}/storage/{other}",
        f"{HOST}/storage/{TEAM}/KEY3",
        f"{HOST}/storage/{TEAM}/KEY3/none",
        f"{HOST}/storage/{TEAM}/KEY3/../KEY3/three",
        f"{HOST}/{three}",
    )
    which = {"urls": asked, "path": "KEY3", "since": "no date", "max_age": 1}
    deleted, freed, usage = await mine.delete(**which)
    assert (deleted, freed, usage) == (["KEY1/one", "KEY2/two"], 20, 10)
    assert await mine.names() == ["KEY3/three"]
    assert await theirs.names() == ["KEY4/theirs"]
    assert (await mine.delete(urls=Value(string_value=f"{HOST}/storage/{three}")))[1] == 10


async def test_no_urls_are_none_and_not_all(mine: Holdings) -> None:
    await mine.make("KEY1", "one")
    assert await mine.delete(urls=urls()) == ([], 0, 10)


@pytest.mark.parametrize(
    ("which", "names"),
    [
        ({"since": "yesterday"}, ["from"]),
        ({"since": "2013-13-01", "until": "1383000000"}, ["from", "to"]),
        ({"until": "0001-01-01T00:00:00+05:00"}, ["to"]),
        ({"max_age": -1}, ["max_age"]),
        ({"max_age": 1e300}, ["max_age"]),
        ({"max_age": float("nan")}, ["max_age"]),
        (
            {"urls": urls("KEY1/one", f"{HOST}/storage/x", 5, "ftp://a/b", "http://[")},
            ["urls[0]", "urls[2]", "urls[3]", "urls[4]"],
        ),
        (
            {"unknown": ParseDict({"max-age": 1, "recursive": True}, Struct())},
            ["max-age", "recursive"],
        ),
    ],
)
async def test_what_is_wrong_deletes_nothing(
    mine: Holdings, which: dict[str, Any], names: list[str]
) -> None:
    await mine.make("KEY1", "one")
    error = await refusal(mine, **which)
    assert sorted(violation.field for violation in error.violations) == names
    assert await mine.names() == ["KEY1/one"]


async def test_others_files_are_out_of_reach(mine: Holdings, theirs: Holdings) -> None:
    [path] = await mine.make("KEY1", "one")
    for which in (
        {},
        {"path": "KEY1"},
        {"path": "KEY1/one"},
        {"urls": urls(f"{HOST}/storage/{path}")},
    ):
        assert await theirs.delete(**which) == ([], 0, 0)
    assert (await served(mine.house, path)).status == 200


async def test_volatile_files_can_be_deleted_too(mine: Holdings) -> None:
    await mine.make("KEY1", "one", lifetime=WEEK)
    assert await mine.delete() == (["KEY1/one"], 10, 0)


async def test_what_has_ended_is_gone_without_being_told(mine: Holdings, clock: Clock) -> None:
    await mine.make("KEY1", "one", lifetime=WEEK)
    await mine.make("KEY2", "two")
    clock.move(WEEK)
    assert await mine.delete(path="KEY2", dry_run=True) == (["KEY2/two"], 10, 20)
    assert await mine.delete(path="KEY2") == (["KEY2/two"], 10, 0)
    await mine.house.has_left(0)


async def test_many_go_in_batches_and_what_breaks_off_can_go_on(
    mine: Holdings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "_BATCH", 3)
    await mine.insert(10)
    remove, times = holdings.remove, 0

    async def breaking(*arguments: Any) -> None:
        nonlocal times
        await remove(*arguments)
        times += 1
        if times == 3:
            raise RuntimeError("the process dies before the commit")

    monkeypatch.setattr(holdings, "remove", breaking)
    with pytest.raises(grpc.aio.AioRpcError):
        await mine.delete()
    assert len(await mine.names()) == 4
    async with mine.house.backends.database.reading() as tx:
        assert (await accounting.usage(tx, TEAM)).output_bytes == 40
    deleted, freed, usage = await mine.delete()
    assert (len(deleted), freed, usage) == (4, 40, 0)


async def test_deleting_at_once_deletes_each_file_once(
    mine: Holdings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "_BATCH", 7)
    await mine.insert(200)
    done = await asyncio.gather(*(mine.delete() for _ in range(4)))
    assert sum(freed for _, freed, _ in done) == 2000
    assert sorted(path for deleted, _, _ in done for path in deleted) == sorted(
        {path for deleted, _, _ in done for path in deleted}
    )
    assert await mine.names() == []


async def test_deleting_while_workers_commit_loses_nothing(mine: Holdings) -> None:
    """Every file is either still there and served, or was deleted and is gone from storage."""
    stop = asyncio.Event()

    async def go_on_deleting() -> list[str]:
        gone: list[str] = []
        while not stop.is_set():
            gone += (await mine.delete())[0]
        return gone

    deleting = asyncio.create_task(go_on_deleting())
    made: list[str] = []
    for attempt in (1, 2):
        for number in range(15):
            made += await mine.make(f"KEY{number}", f"file{attempt}", attempt=attempt)
    stop.set()
    gone = set(await deleting)
    left = set(await mine.names())
    newest = {f"KEY{number}/file2" for number in range(15)}
    assert len(made) == 30
    assert left | (gone & newest) == newest
    assert not left & gone
    for path in left:
        assert (await served(mine.house, f"{TEAM}/{path}")).status == 200
    await mine.house.has_left(len(left))
    assert (await mine.delete())[2] == 0


async def test_a_commit_that_is_repeated_after_the_deletion_tells_the_same(mine: Holdings) -> None:
    first = await mine.make("KEY1", "one")
    await mine.delete()
    assert await mine.make("KEY1", "one") == first
    assert await mine.names() == []
