"""Odd, slow and leaving clients, over bare connections."""

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest

from gateway import exchange, uploads
from tests.gateway.lab import LIMITS, Lab
from tests.gateway.lines import SECONDS, Line, chunked, line_to, request

MULTIPART = "multipart/form-data; boundary=cut"
PART = b'--cut\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'


async def test_a_body_is_asked_for_when_it_is_wanted(port: int) -> None:
    async with line_to(port) as line:
        await line.say(request("POST", "/lab/echo", expect="100-continue", content_length="13"))
        assert (await line.head()).startswith("http/1.1 100 ")
        await line.say(b'{"text": "a"}')
        assert (await line.head()).startswith("http/1.1 200 ")


@pytest.mark.parametrize("target", ["/lab/echo", "/lab/store/a"])
async def test_too_large_a_body_is_refused_unseen(port: int, target: str) -> None:
    length = str(LIMITS.upload_bytes * 2)
    async with line_to(port) as line:
        await line.say(request("POST", target, expect="100-continue", content_length=length))
        assert (await line.head()).startswith("http/1.1 413 ")
        assert b"PayloadTooLargeException" in await line.rest()


async def test_an_upload_without_leave_is_refused_unseen(port: int, lab: Lab) -> None:
    ask = {"expect": "100-continue", "content_length": "3000000", "content_type": MULTIPART}
    async with line_to(port) as line:
        await line.say(request("POST", "/lab/store/a", authorization="Refused", **ask))
        assert (await line.head()).startswith("http/1.1 401 ")
        assert b"who are you" in await line.rest()
    assert lab.uploads == []


async def test_an_upload_with_leave_is_asked_for(
    port: int, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_LEAVE_SECONDS", 0.05)
    body = PART + b"hello\r\n--cut--\r\n"
    ask = {"expect": "100-continue", "content_type": MULTIPART}
    async with line_to(port) as line:
        head = request("POST", "/lab/store/a", content_length=str(len(body)), **ask)
        await line.say(head)
        assert (await line.head()).startswith("http/1.1 100 ")
        await line.say(body)
        assert (await line.head()).startswith("http/1.1 200 ")
    assert (lab.uploads[0].size, lab.uploads[0].whole) == (5, True)


async def test_chunked_bodies_arrive_whole(port: int, lab: Lab) -> None:
    async with line_to(port) as line:
        head = request("POST", "/lab/store/a", content_type=MULTIPART, transfer_encoding="chunked")
        await line.say(head, chunked(PART, b"hel", b"lo", b"\r\n--cut--\r\n"))
        assert (await line.head()).startswith("http/1.1 200 ")
    assert (lab.uploads[0].size, lab.uploads[0].whole) == (5, True)


@pytest.mark.parametrize("broken", [b"zz\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n"])
async def test_broken_chunks_are_no_body(port: int, lab: Lab, broken: bytes) -> None:
    async with line_to(port) as line:
        head = request("POST", "/lab/store/a", content_type=MULTIPART, transfer_encoding="chunked")
        await line.say(head, b"%x\r\n%s\r\n" % (len(PART), PART), broken)
        assert b" 200 " not in await line.rest()
    assert not any(upload.whole for upload in lab.uploads)


async def test_two_lengths_in_one_request_are_not_two_requests(port: int, lab: Lab) -> None:
    inner = request("GET", "/lab/echo/hang")
    async with line_to(port) as line:
        both = {"transfer_encoding": "chunked", "content_length": str(len(inner) + 5)}
        await line.say(request("POST", "/lab/echo", **both), b"0\r\n\r\n", inner)
        answers = await line.rest()
    assert answers.count(b"HTTP/1.1 ") == 1
    assert not lab.waiting.is_set()


async def test_a_long_address_is_a_414(wire: httpx.AsyncClient, port: int) -> None:
    answer = await wire.get(f"/lab/echo/x?text={'a' * 40_000}")
    assert answer.status_code == 414
    assert answer.json()["exception"] == "BadRequestException"
    async with line_to(port) as line:
        await line.say(request("GET", "/lab/echo/x?text=" + "a" * 70_000))
        assert (await line.head()).startswith("http/1.1 414 ")


async def test_large_headers_are_a_431(wire: httpx.AsyncClient, port: int) -> None:
    answer = await wire.get("/lab/echo/x", headers={"x-large": "a" * 40_000})
    assert answer.status_code == 431
    assert answer.json()["exception"] == "BadRequestException"
    many = {f"x_{number}": "1" for number in range(150)}
    for headers in (many, {"x_huge": "a" * 200_000}):
        async with line_to(port) as line:
            await line.say(request("GET", "/lab/echo/x", **headers))
            assert (await line.head()).startswith("http/1.1 431 ")


@pytest.mark.parametrize("beginning", [b"", b"GET /lab/echo/x HTTP/1.1\r\nhost: lab"])
async def test_headers_that_do_not_come_end_the_connection(port: int, beginning: bytes) -> None:
    async with line_to(port) as line:
        await line.say(beginning)
        assert await line.rest() == b""


async def test_an_idle_connection_ends(port: int) -> None:
    async with line_to(port) as line:
        await line.say(request("GET", "/lab/echo/x"))
        assert (await line.head()).startswith("http/1.1 200 ")
        assert b"HTTP/1.1" not in await line.rest()


async def test_a_body_that_stops_is_a_408(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_IDLE_SECONDS", 0.2)
    async with line_to(port) as line:
        await line.say(request("POST", "/lab/echo", content_length="20"), b'{"text"')
        assert (await line.head()).startswith("http/1.1 408 ")
        assert b"RequestTimeoutException" in await line.rest()


async def test_a_body_that_drips_is_a_408(
    port: int, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_IDLE_SECONDS", 0.5)

    async def drip(line: Line) -> None:
        while True:
            await line.say(b"x")
            await asyncio.sleep(0.05)

    async with line_to(port) as line:
        head = request("POST", "/lab/store/a", content_type=MULTIPART, content_length="100000")
        await line.say(head, PART)
        dripping = asyncio.create_task(drip(line))
        assert (await line.head()).startswith("http/1.1 408 ")
        dripping.cancel()
    assert not any(upload.whole for upload in lab.uploads)


async def test_the_time_a_service_takes_is_not_the_client_s(
    wire: httpx.AsyncClient, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_IDLE_SECONDS", 0.3)
    lab.pause_seconds = 1.0
    answer = await wire.post("/lab/store/a", files={"file": ("a", bytes(4 * 2**20))})
    assert answer.status_code == 200
    assert answer.json()["size"] == 4 * 2**20


async def test_a_reader_that_stops_is_let_go(
    port: int, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_ACCEPT_SECONDS", 0.3)
    async with line_to(port, buffer=2**12) as line:
        await line.say(request("GET", "/lab/files/endless"))
        await asyncio.wait_for(lab.cancelled.wait(), SECONDS)
        got = await line.rest()
    assert 0 < len(got) < 2048 * 2**20


async def test_slow_clients_do_not_hold_up_the_others(port: int, wire: httpx.AsyncClient) -> None:
    async with AsyncExitStack() as stack:
        for number in range(60):
            line = await stack.enter_async_context(line_to(port, buffer=2**12))
            if number % 3 == 0:
                await line.say(b"GET /lab/echo/x HTTP/1.1\r\n")
            elif number % 3 == 1:
                await line.say(request("POST", "/lab/echo", content_length="20"), b"{")
            else:
                await line.say(request("GET", "/lab/files/endless"))
        for _ in range(20):
            answer = await asyncio.wait_for(wire.get("/lab/echo/x"), 20)
            assert answer.status_code == 200


@pytest.mark.parametrize("header_milliseconds", [60_000])
async def test_more_connections_than_the_server_queues_are_served(port: int) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(1200):
            await stack.enter_async_context(line_to(port))
        line = await stack.enter_async_context(line_to(port))
        await line.say(request("GET", "/lab/echo/x"))
        assert (await line.head()).startswith("http/1.1 200 ")


@pytest.mark.parametrize("target", ["/lab/echo/hang", "/lab/files/endless", "/lab/watch/7"])
@pytest.mark.parametrize("how", ["half", "whole"])
async def test_a_client_that_leaves_ends_the_call(
    port: int, lab: Lab, target: str, how: str
) -> None:
    async with line_to(port, buffer=2**12) as line:
        await line.say(request("GET", target))
        await asyncio.wait_for(lab.waiting.wait(), SECONDS)
        if how == "half":
            # A client that ends its side of an HTTP/1.1 connection is taken to leave.
            line.end_sending()
        else:
            line.hang_up()
        await asyncio.wait_for(lab.cancelled.wait(), SECONDS)


async def test_a_body_cut_short_is_nobody_s(port: int, lab: Lab) -> None:
    async with line_to(port) as line:
        head = request("POST", "/lab/store/a", content_type=MULTIPART, content_length="100000")
        await line.say(head, PART, b"hello")
        await asyncio.wait_for(lab.waiting.wait(), SECONDS)
        line.end_sending()
        await asyncio.wait_for(lab.cancelled.wait(), SECONDS)
    assert not lab.uploads[0].whole
