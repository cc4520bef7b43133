"""Sources that several items want: read once, never across accounts, never written to."""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.chassis.outside import OutsideError, OutsideFailed, OutsideRefused, Policy
from services.media.fetch import Fetched, SourceCache
from tests.kit.waiting import wait_for_async
from tests.kit.webserver import Server, answer

POLICY = Policy(max_bytes=1 << 20, max_seconds=10, allow_loopback=True)
NOT_MODIFIED = answer(status="304 Not Modified", etag='"v1"')
FILE = b"x" * 1000


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server().running() as running:
        running.answers["/"] = [answer(FILE, etag='"v1"', content_type="image/png"), NOT_MODIFIED]
        yield running


class Desk:
    """A cache, and items that ask it for files."""

    def __init__(self, folder: Path, max_bytes: int = 1 << 20, **more: Any) -> None:
        self.kept = folder / "kept"
        self.items = folder / "items"
        self.items.mkdir()
        self.cache = SourceCache(self.kept, POLICY, max_bytes, **more)
        self.number = 0

    async def bring(self, url: str, account: str = "A") -> tuple[Fetched, Path]:
        self.number += 1
        target = self.items / str(self.number)
        return await self.cache.bring(account, url, target, lambda part: None), target

    def sizes(self) -> list[int]:
        return sorted(path.stat().st_size for path in self.kept.iterdir())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def headers(server: Server) -> Sequence[dict[str, str]]:
    return [
        dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        for head in server.requests
    ]


async def test_a_second_item_asks_whether_the_file_changed(server: Server, desk: Desk) -> None:
    first, one = await desk.bring(server.url())
    second, two = await desk.bring(server.url())
    assert first == second
    assert (second.size, second.content_type) == (1000, "image/png")
    assert one.read_bytes() == two.read_bytes() == FILE
    assert one.samefile(two)
    asked = [request.get("if-none-match") for request in headers(server)]
    assert asked == [None, '"v1"']


async def test_a_changed_file_is_read_anew(server: Server, desk: Desk) -> None:
    server.answers["/"] = [answer(b"old", etag='"v1"'), answer(b"new!", etag='"v2"'), NOT_MODIFIED]
    _, one = await desk.bring(server.url())
    _, two = await desk.bring(server.url())
    _, three = await desk.bring(server.url())
    assert [path.read_bytes() for path in (one, two, three)] == [b"old", b"new!", b"new!"]
    assert headers(server)[2]["if-none-match"] == '"v2"'
    assert desk.sizes() == [4]


async def test_a_date_will_do_to_ask(server: Server, desk: Desk) -> None:
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    server.answers["/"] = [answer(FILE, last_modified=date), NOT_MODIFIED]
    await desk.bring(server.url())
    fetched, _ = await desk.bring(server.url())
    assert fetched.size == 1000
    assert headers(server)[1]["if-modified-since"] == date.lower()


async def test_items_that_want_the_same_at_once_share_one_download(
    server: Server, desk: Desk
) -> None:
    server.open.clear()
    bringing = [asyncio.create_task(desk.bring(server.url())) for _ in range(5)]
    await wait_for_async(lambda: server.requests, what="the one request")
    server.open.set()
    brought = await asyncio.gather(*bringing)
    assert {path.read_bytes() for _, path in brought} == {FILE}
    assert len(brought) == 5
    assert len(server.requests) == 1


async def test_all_who_wait_see_the_progress(server: Server, desk: Desk, tmp_path: Path) -> None:
    server.open.clear()
    heard: list[list[float]] = [[], []]
    bringing = [
        asyncio.create_task(
            desk.cache.bring("A", server.url(), tmp_path / str(number), heard[number].append)
        )
        for number in range(2)
    ]
    await wait_for_async(lambda: server.requests, what="the one request")
    server.open.set()
    await asyncio.gather(*bringing)
    assert heard == [[1.0], [1.0]]


async def test_accounts_share_nothing(server: Server, desk: Desk) -> None:
    server.answers["/"] = answer(FILE, etag='"v1"')
    await desk.bring(server.url(), "A")
    await desk.bring(server.url(), "B")
    assert not any("if-none-match" in request for request in headers(server))
    server.open.clear()
    bringing = [asyncio.create_task(desk.bring(server.url(), account)) for account in "CD"]
    await wait_for_async(lambda: len(server.requests) == 4, what="a request for each")
    server.open.set()
    (_, one), (_, two) = await asyncio.gather(*bringing)
    assert not one.samefile(two)


@pytest.mark.parametrize(
    "said",
    [
        answer(FILE, etag='"v1"', cache_control="private, No-Store"),
        # Nothing to ask by.
        answer(FILE),
        answer(FILE, etag='"v1'),
    ],
)
async def test_what_may_not_be_kept_is_not(server: Server, desk: Desk, said: bytes) -> None:
    server.answers["/"] = said
    for _ in range(2):
        _, path = await desk.bring(server.url())
        assert path.read_bytes() == FILE
    assert desk.sizes() == []
    assert not any("if-none-match" in request for request in headers(server))


async def test_the_least_recently_used_makes_room(server: Server, tmp_path: Path) -> None:
    desk = Desk(tmp_path, max_bytes=2500)
    for path in ("/1", "/2", "/1", "/3"):
        server.answers.setdefault(path, [answer(FILE, etag='"v1"'), NOT_MODIFIED])
        await desk.bring(server.url(path))
    assert desk.sizes() == [1000, 1000]
    server.requests.clear()
    server.answers["/2"] = answer(FILE, etag='"v1"')
    for path in ("/1", "/2"):
        await desk.bring(server.url(path))
    assert ["if-none-match" in request for request in headers(server)] == [True, False]


async def test_a_file_larger_than_the_room_is_handed_out_all_the_same(
    server: Server, tmp_path: Path
) -> None:
    desk = Desk(tmp_path, max_bytes=999)
    _, path = await desk.bring(server.url())
    assert path.read_bytes() == FILE
    assert desk.sizes() == []


async def test_after_a_while_nothing_is_kept(server: Server, tmp_path: Path) -> None:
    desk = Desk(tmp_path, seconds_kept=0.05)
    await desk.bring(server.url())
    await wait_for_async(lambda: desk.sizes() == [], what="the copy to go")


async def test_a_failure_is_everybodys_and_leaves_nothing(server: Server, desk: Desk) -> None:
    server.answers["/"] = [answer(FILE[:10], content_length="1000"), answer(FILE)]
    server.open.clear()
    bringing = [asyncio.create_task(desk.bring(server.url())) for _ in range(2)]
    await wait_for_async(lambda: server.requests, what="the one request")
    server.open.set()
    ends = await asyncio.gather(*bringing, return_exceptions=True)
    assert [type(end) for end in ends] == [OutsideFailed, OutsideFailed]
    assert desk.sizes() == []
    fetched, _ = await desk.bring(server.url())
    assert fetched.size == 1000


async def test_a_failure_to_ask_again_does_not_use_the_copy(server: Server, desk: Desk) -> None:
    server.answers["/"] = [answer(FILE, etag='"v1"'), answer(status="403 Gone private")]
    await desk.bring(server.url())
    with pytest.raises(OutsideRefused, match="403"):
        await desk.bring(server.url())


async def test_who_is_cancelled_leaves_the_download_to_the_others(
    server: Server, desk: Desk
) -> None:
    server.open.clear()
    one, two = (asyncio.create_task(desk.bring(server.url())) for _ in range(2))
    await wait_for_async(lambda: server.requests, what="the one request")
    one.cancel()
    server.open.set()
    fetched, _ = await two
    assert fetched.size == 1000
    assert one.cancelled()
    assert len(server.requests) == 1


async def test_when_all_are_cancelled_the_download_ends(server: Server, desk: Desk) -> None:
    server.answers["/"] = answer(FILE)
    server.open.clear()
    bringing = [asyncio.create_task(desk.bring(server.url())) for _ in range(2)]
    await wait_for_async(lambda: server.requests, what="the one request")
    for each in bringing:
        each.cancel()
    await asyncio.gather(*bringing, return_exceptions=True)
    assert desk.sizes() == []
    assert [task for task in asyncio.all_tasks() if "_refreshed" in repr(task)] == []
    server.open.set()
    fetched, _ = await desk.bring(server.url())
    assert fetched.size == 1000


async def test_a_copy_is_read_only(server: Server, desk: Desk) -> None:
    _, path = await desk.bring(server.url())
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.EXDEV, errno.EMLINK])
async def test_without_hard_links_bytes_are_copied(
    server: Server, desk: Desk, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def link(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", link)
    _, path = await desk.bring(server.url())
    assert path.read_bytes() == FILE
    assert path.stat().st_nlink == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


async def test_many_items_of_many_accounts_end_well(server: Server, tmp_path: Path) -> None:
    """Whatever comes together: everybody has the right bytes, and the room holds."""
    desk = Desk(tmp_path, max_bytes=3000)
    for number in range(6):
        body = bytes([number]) * 1000
        server.answers[f"/{number}"] = answer(body, etag=f'"{number}"')

    async def bring(number: int) -> bool:
        try:
            _, path = await desk.bring(server.url(f"/{number % 6}"), "AB"[number % 2])
        except OutsideError:
            return False
        return path.read_bytes() == bytes([number % 6]) * 1000

    assert all(await asyncio.gather(*(bring(number) for number in range(120))))
    assert sum(desk.sizes()) <= 3000
