"""What every answer carries: protection, limits, challenges; and how long it may take."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest

from gateway.app import Gateway
from gateway.exchange import Exchange
from gateway.transcode import Limits
from tests.gateway.lab import Lab, lab_file
from tests.gateway.lines import SECONDS

EVERYWHERE = ["/lab/echo/x", "/lab/nothing", "/v1/nothing", "/healthz", "/lab/files/a", "/docs"]


@pytest.mark.parametrize("target", EVERYWHERE)
async def test_answers_protect_the_client(client: httpx.AsyncClient, target: str) -> None:
    answer = await client.get(target)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("target", EVERYWHERE)
async def test_no_answer_names_the_server_s_software(wire: httpx.AsyncClient, target: str) -> None:
    answer = await wire.get(target)
    assert answer.headers.get_list("server") == ["vitascope"]
    assert "x-powered-by" not in answer.headers


@pytest.mark.parametrize("target", EVERYWHERE)
async def test_head_is_get_without_a_body(wire: httpx.AsyncClient, target: str) -> None:
    whole, head = await wire.get(target), await wire.head(target)
    assert head.status_code == whole.status_code
    assert head.content == b""
    for name in ("content-type", "content-length", "etag", "allow"):
        assert head.headers.get(name) == whole.headers.get(name)


async def test_a_401_tells_how_to_prove_oneself(client: httpx.AsyncClient) -> None:
    video = await client.get("/lab/fail/secret")
    assert video.status_code == 401
    assert video.headers["www-authenticate"].startswith("Bearer ")
    tasks = await client.post("/v1/fail", json={"code": "secret"})
    assert tasks.status_code == 401
    assert tasks.headers["www-authenticate"].startswith("Secret ")
    assert "www-authenticate" not in (await client.get("/lab/fail/forbidden")).headers


async def test_limits_are_told_with_answers_and_refusals(client: httpx.AsyncClient) -> None:
    assert (await client.get("/lab/echo/limited")).headers["ratelimit-remaining"] == "7"
    answer = await client.get("/lab/fail/limits")
    assert answer.status_code == 429
    assert answer.headers["ratelimit-remaining"] == "0"
    # Never earlier than the service said.
    assert answer.headers["retry-after"] == "3"
    assert int(answer.headers["content-length"]) == len(answer.content) > 5


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/lab/echo/hang"),
        ("GET", "/lab/files/hang"),
        ("GET", "/lab/watch/7"),
        ("POST", "/v1/store/hang"),
    ],
)
async def test_a_service_that_does_not_answer_is_a_504(
    lab: Lab, app: Gateway, method: str, target: str
) -> None:
    limits = Limits(99, 99, 0.2)
    short = Gateway([lab_file()], app._channels, limits, "http://lab.test", app._admission)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(short)) as impatient:
        answer = await impatient.request(method, f"http://lab.test{target}", content=b"x")
    assert answer.status_code == 504
    assert "took too long" in answer.text
    await lab.cancelled.wait()


async def test_long_answers_go_out_in_pieces() -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def send(event: MutableMapping[str, Any]) -> None:
        sent.append(event)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    scope = {"method": "GET", "path": "/", "query_string": b"", "headers": []}
    body = bytes(range(256)) * 5000
    await Exchange(scope, receive, send).answer(200, body, {"content-type": "image/png"})
    pieces = [event["body"] for event in sent[1:]]
    assert b"".join(pieces) == body
    assert max(map(len, pieces)) < len(body) / 2
    assert [event["more_body"] for event in sent[1:]] == [True] * (len(pieces) - 1) + [False]


async def test_head_of_a_stream_ends_it(wire: httpx.AsyncClient) -> None:
    answer = await asyncio.wait_for(wire.head("/lab/watch/2000000000"), SECONDS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
