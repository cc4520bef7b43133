"""Long lists through the gateway: they flow, and what breaks off is seen to be broken."""

import socket
from typing import Any

import httpx
import pytest

from services.media.store import holdings
from tests.kit.waiting import wait_for_async
from tests.media.holdings import Holdings
from tests.media.house import House, secret

FILES = "/v2/storage/files"
MANY = 100_000


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the pages that were read; the page with a negative size fails."""
    sizes: list[int] = []
    selected = holdings.selected

    async def noted(*arguments: Any) -> Any:
        page = await selected(*arguments)
        sizes.append(len(page))
        return page

    monkeypatch.setattr(holdings, "selected", noted)
    return sizes


def client(url: str) -> httpx.AsyncClient:
    """A client that reads little ahead."""
    query = {"secret": secret(), "recursive": "1"}
    little = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)]
    transport = httpx.AsyncHTTPTransport(socket_options=little)
    return httpx.AsyncClient(base_url=url, params=query, timeout=60, transport=transport)


async def test_a_long_list_is_read_as_fast_as_it_is_taken(
    house: House, url: str, pages: list[int]
) -> None:
    await Holdings(house).insert(MANY)
    async with client(url) as asking, asking.stream("GET", FILES) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        pieces = answer.aiter_raw()
        first = await anext(pieces)
        seen = -1

        def stands_still() -> bool:
            nonlocal seen
            before, seen = seen, len(pages)
            return before == seen

        await wait_for_async(stands_still, what="the list to wait for its reader")
        read = len(pages)
        rest = [piece async for piece in pieces]
    assert read < len(pages)
    found = httpx.Response(200, content=b"".join([first, *rest])).json()
    assert len({file["name"] for file in found["files"]}) == MANY
    assert (found["directories"], found["usage"]) == ([], MANY * 10)


async def test_a_short_list_has_its_length_and_a_head(house: House, url: str) -> None:
    await Holdings(house).insert(50)
    async with client(url) as asking:
        plain = await asking.get(FILES, headers={"accept-encoding": "identity"})
        assert plain.headers["content-length"] == str(len(plain.content))
        packed = await asking.get(FILES, headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.json() == plain.json()
        head = await asking.head(FILES, headers={"accept-encoding": "identity"})
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == plain.headers["content-length"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_what_breaks_off_is_no_whole_answer(
    house: House, url: str, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    await Holdings(house).insert(20_000)
    selected, turns = holdings.selected, 0

    async def breaking(*arguments: Any) -> Any:
        nonlocal turns
        turns += 1
        if turns == 15:
            raise RuntimeError("something breaks")
        return await selected(*arguments)

    monkeypatch.setattr(holdings, "selected", breaking)
    query = {"secret": secret(), **({"recursive": "1"} if method == "GET" else {})}
    async with httpx.AsyncClient(base_url=url, params=query, timeout=60) as asking:
        with pytest.raises(httpx.RemoteProtocolError):
            await asking.request(method, FILES)
        again = await asking.request(method, FILES)
    assert len(again.json()["files" if method == "GET" else "deleted"]) == (
        20_000 if method == "GET" else 20_000 - 14 * 500
    )


async def test_what_breaks_before_its_first_piece_is_an_error(
    house: House, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> Any:
        raise RuntimeError("something breaks")

    monkeypatch.setattr(holdings, "selected", broken)
    async with client(url) as asking:
        answer = await asking.get(FILES)
    assert answer.status_code == 500
    assert answer.json()["status"] == "error"
