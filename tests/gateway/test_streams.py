"""Streams of messages."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.app import Gateway
from gateway.transcode import Limits
from tests.gateway import lab as laboratory
from tests.gateway.lab import Lab, message
from tests.gateway.lines import SECONDS, Line, line_to, request
from tests.kit.waiting import wait_for_async


async def test_each_message_is_a_line(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/watch/3")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answer.text.splitlines()] == [
        {"number": 0},
        {"number": 1},
        {"number": 2},
    ]


async def test_no_message_is_an_empty_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/watch/0")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_an_error_before_the_first_message_is_an_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/watch/-1")
    assert answer.status_code == 404
    assert answer.json()["errorMessage"] == "no such count"


async def test_an_error_later_is_the_last_line(client: httpx.AsyncClient) -> None:
    lines = (await client.get("/lab/watch/13")).text.splitlines()
    assert len(lines) == 14
    assert json.loads(lines[-1])["errorMessage"] == "lost on the way"


def line_of(**field: Any) -> Any:
    """Return a line of the lab's stream."""
    return message("Line")(**field)


async def take_line(line: Line) -> bytes:
    """Return the next chunk of an answer, which is one line."""
    size = int(await line.until(b"\r\n"), 16)
    return (await line.take(size + 2))[:-2]


@asynccontextmanager
async def following(port: int, lab: Lab, path: str = "/lab/follow") -> AsyncIterator[Line]:
    """Open a stream over a socket and read its head and its first line, `0`."""
    async with line_to(port) as line:
        lab.lines.put_nowait(line_of(text="0"))
        await line.say(request("GET", path))
        assert "200 ok" in await line.head()
        assert await take_line(line) == b'"0"\n'
        yield line


async def test_a_bare_message_is_the_field_that_is_set(lab: Lab, client: httpx.AsyncClient) -> None:
    child = message("Child")
    for each in (
        line_of(all=message("Lines")(children=[child(size=1), child(size=2)])),
        line_of(all=message("Lines")()),
        line_of(one=child(size=3)),
        line_of(text="four"),
        line_of(),
        None,
    ):
        lab.lines.put_nowait(each)
    answer = await client.get("/lab/follow")
    assert answer.text.splitlines() == [
        '[{"size":1},{"size":2}]',
        "[]",
        '{"size":3}',
        '"four"',
        "null",
    ]


async def test_openapi_has_the_forms_of_a_bare_message(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    answer = document["paths"]["/lab/follow"]["get"]["responses"]["200"]
    assert answer["content"]["application/x-ndjson"]["schema"] == {
        "anyOf": [
            {
                "type": "array",
                "items": {"$ref": "#/components/schemas/media.lab.Child"},
            },
            {"$ref": "#/components/schemas/media.lab.Child"},
            {"type": "string"},
        ]
    }


async def test_nobody_on_the_way_is_to_hold_lines_back(lab: Lab, client: httpx.AsyncClient) -> None:
    lab.lines.put_nowait(line_of(text="long " * 1000))
    lab.lines.put_nowait(None)
    answer = await client.get("/lab/follow", headers={"accept-encoding": "br, gzip"})
    assert "content-encoding" not in answer.headers
    assert answer.headers["cache-control"] == "no-store, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"


async def test_pages_of_listed_sites_may_read_streams(lab: Lab, client: httpx.AsyncClient) -> None:
    lab.lines.put_nowait(line_of(text="0"))
    lab.lines.put_nowait(None)
    answer = await client.get("/v2/follow", headers={"origin": "https://listed.test"})
    assert answer.headers["access-control-allow-origin"] == "https://listed.test"


async def test_head_has_no_lines_and_ends_the_call(lab: Lab, wire: httpx.AsyncClient) -> None:
    lab.lines.put_nowait(line_of(text="0"))
    answer = await wire.head("/lab/follow")
    assert answer.headers["content-type"] == "application/x-ndjson"
    async with asyncio.timeout(SECONDS):
        await lab.cancelled.wait()


async def test_lines_come_as_they_are_there(lab: Lab, port: int) -> None:
    async with following(port, lab) as line:
        for number in map(str, range(1, 4)):
            lab.lines.put_nowait(line_of(text=number))
            assert json.loads(await take_line(line)) == number
        lab.lines.put_nowait(None)
        assert await line.take(5) == b"0\r\n\r\n"


@pytest.fixture
def soon_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short wait before an empty line, and a shorter time for calls to answer."""
    monkeypatch.setattr("gateway.streams._KEEP_ALIVE_SECONDS", 0.1)
    short = Limits(body_bytes=2**16, upload_bytes=2**20, call_seconds=0.5)
    monkeypatch.setattr(laboratory, "LIMITS", short)


@pytest.mark.usefixtures("soon_quiet")
async def test_a_quiet_stream_is_kept_alive_and_loses_nothing(short_lab: tuple[Lab, int]) -> None:
    lab, port = short_lab
    async with following(port, lab) as line:
        # For longer than a call may take to answer.
        for _ in range(8):
            assert await take_line(line) == b"\n"
        lab.lines.put_nowait(line_of(text="late"))
        told = b"\n"
        while told == b"\n":
            told = await take_line(line)
        assert told == b'"late"\n'


@pytest.mark.usefixtures("soon_quiet")
async def test_the_first_line_has_its_time(short_lab: tuple[Lab, int]) -> None:
    _, port = short_lab
    async with line_to(port) as line:
        await line.say(request("GET", "/lab/follow"))
        assert (await line.head()).startswith("http/1.1 504 ")


@pytest.fixture
async def short_lab(soon_quiet: None, suite: tuple[Lab, Gateway], port: int) -> tuple[Lab, int]:
    """The lab and the port of the server before it, after limits were set."""
    return suite[0], port


async def test_a_client_that_leaves_frees_the_call(lab: Lab, port: int) -> None:
    async with following(port, lab) as line:
        line.hang_up()
        async with asyncio.timeout(SECONDS):
            await lab.cancelled.wait()


async def test_a_client_that_does_not_read_slows_its_stream_alone(lab: Lab, port: int) -> None:
    async with line_to(port) as slow:
        await slow.say(request("GET", "/lab/follow?endless=true"))
        await slow.head()
        quiet = "the service to be held up"
        await wait_for_async(lambda: lab.pieces_sent and lab.quiet_seconds() > 0.5, what=quiet)
        assert lab.pieces_sent < 256
        async with following(port, lab) as line:
            lab.lines.put_nowait(line_of(text="1"))
            assert await take_line(line) == b'"1"\n'


async def test_a_stop_ends_streams_with_a_line_that_says_so(
    lab: Lab, app: Gateway, port: int
) -> None:
    async with following(port, lab, "/v2/follow") as line:
        app.end_streams()
        last = json.loads(await take_line(line))
        assert last["status"] == "error"
        assert "stops" in last["errors"][0]["description"]
        assert await line.take(5) == b"0\r\n\r\n"
        async with asyncio.timeout(SECONDS):
            await lab.cancelled.wait()
    async with line_to(port) as line:
        await line.say(request("GET", "/v2/follow"))
        assert (await line.head()).startswith("http/1.1 503 ")
