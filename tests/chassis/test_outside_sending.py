"""Requests that carry something: how they leave, and what is made of the answers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.chassis.outside import (
    FilePart,
    OutsideFailed,
    OutsideRefused,
    Policy,
    send,
)
from services.chassis.outside.bodies import PIECE_BYTES
from tests.kit.webserver import Say, Server, answer, dripping, endless, redirect

POLICY = Policy(max_bytes=1000, max_seconds=10, allow_loopback=True)
LARGE = 3 * PIECE_BYTES + 5


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server().running() as running:
        yield running


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("body", [b"", b"{}", bytes(LARGE)])
async def test_bytes_arrive_with_their_length(method: str, body: bytes, server: Server) -> None:
    server.answers["/a?b=c"] = answer(b"heard", "201 Created", x_it="yes")
    sent: list[int] = []
    headers = {"content-type": "application/json"}
    reply = await send(
        method, server.url("/a?b=c"), policy=POLICY, headers=headers, body=body, on_sent=sent.append
    )
    assert (reply.host, reply.status, reply.body) == ("127.0.0.1", 201, b"heard")
    assert reply.headers["x-it"] == "yes"
    [head] = server.requests
    assert head.startswith(f"{method} /a?b=c HTTP/1.1\r\n")
    assert f"content-length: {len(body)}\r\n" in head
    assert "content-type: application/json\r\n" in head
    assert server.bodies == [body]
    assert sent == [*range(PIECE_BYTES, len(body), PIECE_BYTES), *([len(body)] if body else [])]


async def test_a_part_of_a_file_is_sent_as_it_is_read(server: Server, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4096
    path = tmp_path / "file"
    path.write_bytes(data)
    server.answers["/"] = answer()
    for start, size in ((0, len(data)), (7, LARGE), (len(data) - 1, 1)):
        body = FilePart(path, size, start)
        assert (await send("PUT", server.url(), policy=POLICY, body=body)).status == 200
        assert server.bodies[-1] == data[start : start + size]


async def test_a_file_that_shrinks_is_not_passed_off_as_whole(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"short")
    with pytest.raises(EOFError):
        await send("PUT", server.url(), policy=POLICY, body=FilePart(tmp_path / "file", 6))


@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
async def test_no_redirect_is_followed(status: str, server: Server) -> None:
    server.answers["/"] = redirect("/elsewhere", status)
    reply = await send("POST", server.url(), policy=POLICY, body=b"secret")
    assert reply.status == int(status[:3])
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        (answer(b"x" * 999), 999),
        (answer(b"x" * 5000), 1000),
        (endless(b"x" * 500, answer(content_length="")), 1000),
        # What became of it is said: how the rest ends does not matter.
        (answer(b"x" * 10, content_length=20), 10),
        (dripping(b"x", 0.02, answer(content_length="")), None),
    ],
)
async def test_of_an_answer_only_the_start_is_read(
    said: bytes | Say, taken: int | None, server: Server
) -> None:
    server.answers["/"] = said
    policy = replace(POLICY, rate_seconds=0.2)
    reply = await send("POST", server.url(), policy=policy, body=b"{}")
    assert reply.status == 200
    assert taken is None or len(reply.body) == taken
    assert len(reply.body) <= 1000


async def test_a_body_that_nobody_wants_is_not_waited_for(server: Server) -> None:
    server.answers["/"] = dripping(b"", 0.02, answer(content_length=5))
    reply = await send("POST", server.url(), policy=replace(POLICY, max_bytes=0), body=b"{}")
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(
    ("said", "limits"),
    [
        (dripping(b"", 0.02), {"answer_seconds": 0.2}),
        (dripping(b"x", 0.02, b"HTTP/1.1 200 OK\r\n"), {"answer_seconds": 0.2}),
        (dripping(b"", 0.02), {"max_seconds": 0.2}),
        (dripping(b"", 0.02, answer(content_length=5)), {"max_seconds": 0.2}),
    ],
)
async def test_nobody_waits_for_ever(said: Say, limits: dict[str, Any], server: Server) -> None:
    server.answers["/"] = said
    policy = replace(POLICY, **{"max_seconds": 3600.0} | limits)
    with pytest.raises(OutsideFailed, match=r"^The server 127\.0\.0\.1 .*(in time|longer than)"):
        async with asyncio.timeout(30):
            await send("POST", server.url("/"), policy=policy, body=b"{}")


async def test_a_long_body_is_sent_when_the_server_wants_it(server: Server) -> None:
    server.reads_bodies = False
    asked = asyncio.Event()

    async def agree(writer: asyncio.StreamWriter) -> None:
        asked.set()
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        writer.write(answer(status="413 Too large"))

    server.answers["/"] = agree
    sent: list[int] = []
    reply = await send(
        "PUT", server.url(), policy=POLICY, body=bytes(50 << 20), on_sent=sent.append
    )
    assert reply.status == 413
    assert asked.is_set()
    assert "expect: 100-continue\r\n" in server.requests[0]
    assert max(sent, default=0) < 50 << 20


async def test_a_server_that_is_content_before_it_has_all_is_not_believed(server: Server) -> None:
    server.reads_bodies = False
    server.answers["/"] = answer()
    with pytest.raises(OutsideFailed, match="answers before it was told all"):
        await send("PUT", server.url(), policy=POLICY, body=bytes(50 << 20))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254"])
async def test_only_servers_of_the_operator_may_be_inside(host: str, server: Server) -> None:
    strict = replace(POLICY, allow_loopback=False)
    with pytest.raises(OutsideRefused, match="is not on the public internet"):
        await send("POST", f"http://{host}:{server.port}/", policy=strict)
    trusted = replace(strict, allow_private=True)
    server.answers["/"] = answer()
    assert (await send("POST", server.url(), policy=trusted)).status == 200


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "http://user:secret-word@example.org/", "http://example.org:25/"]
)
async def test_an_address_that_cannot_be_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(OutsideRefused) as raised:
        await send("POST", url, policy=POLICY)
    assert "secret" not in str(raised.value)


async def test_no_log_has_a_credential(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    server.answers["/?signature=secret"] = answer(location="http://example.org/secret")
    headers = {"authorization": "Bearer secret"}
    await send("POST", server.url("/?signature=secret"), policy=POLICY, headers=headers, body=b"x")
    assert "secret" not in caplog.text


async def test_headers_cannot_be_smuggled(server: Server) -> None:
    headers = {"x-name": "value\r\nhost: elsewhere"}
    with pytest.raises(OutsideRefused):
        await send("POST", server.url(), policy=POLICY, headers=headers, body=b"{}")
    assert server.requests == []
