"""What the application itself decides: routes, ids, limits, health."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.app import Gateway
from gateway.channels import Channels
from tests.gateway.lab import LIMITS


async def test_unknown_paths_have_the_surface_s_error(client: httpx.AsyncClient) -> None:
    video = await client.get("/lab/nothing")
    assert video.status_code == 404
    assert video.json()["exception"] == "NotFoundException"
    tasks = await client.get("/v2/nothing")
    assert tasks.status_code == 404
    assert tasks.json()["status"] == "error"
    assert (await client.get("/")).status_code == 404


async def test_other_methods_are_told_which_ones_are_taken(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/lab/echo/x")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert (await client.post("/healthz")).headers["allow"] == "GET, HEAD, OPTIONS"
    assert (await client.put("/lab/echo")).headers["allow"] == "POST, REPORT, OPTIONS"


@pytest.mark.parametrize("path", ["//lab//echo", "/lab/echo/", "///lab/echo"])
async def test_repeated_slashes_count_as_one(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(f"http://lab.test{path}", json={"text": "x"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain;charset=UTF-8", "application/x-www-form-urlencoded", ""]
)
async def test_bodies_are_json_whatever_their_type(client: httpx.AsyncClient, kind: str) -> None:
    answer = await client.post(
        "/lab/echo", content=b'{"text": "x"}', headers={"content-type": kind}
    )
    assert answer.json()["text"] == "x"


async def test_get_ignores_its_body(client: httpx.AsyncClient) -> None:
    answer = await client.request("GET", "/lab/echo/x", content=b"{]")
    assert answer.json()["text"] == "x"


async def test_request_ids_are_kept_when_well_formed_and_made_otherwise(
    client: httpx.AsyncClient,
) -> None:
    kept = await client.get("/lab/echo/x", headers={"x-request-id": "a-1"})
    assert kept.headers["x-request-id"] == "a-1"
    for bad in ("", "a b", "x" * 200, "a\tb"):
        made = await client.get("/lab/nothing", headers={"x-request-id": bad})
        assert re.fullmatch("[0-9a-f]{32}", made.headers["x-request-id"])


async def test_bodies_over_the_limit_are_refused(client: httpx.AsyncClient) -> None:
    fits = b'{"text": "%s"}' % (b"x" * (LIMITS.body_bytes - 12))
    assert (await client.post("/lab/echo", content=fits)).status_code == 200
    over = await client.post("/lab/echo", content=fits + b" ")
    assert over.status_code == 413
    assert over.json()["exception"] == "PayloadTooLargeException"

    async def undeclared() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * (LIMITS.body_bytes // 2)

    assert (await client.post("/v1/echo", content=undeclared())).status_code == 413


async def test_health_is_good_when_every_service_serves(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert answer.status_code == 200
    assert set(answer.json()) == {"accounts", "videos", "media", "tasks"}


async def test_health_is_bad_when_one_is_away(app: Gateway) -> None:
    channels = Channels(lambda _: "127.0.0.1:1")
    alone = Gateway([], channels, LIMITS, "http://lab.test", app._admission)
    transport = httpx.ASGITransport(alone)
    async with httpx.AsyncClient(transport=transport, base_url="http://lab.test") as client:
        answer = await client.get("/healthz")
    await channels.close()
    assert answer.status_code == 503
    assert answer.json()["tasks"] == "UNAVAILABLE"


async def test_a_failure_of_our_own_says_nothing_about_the_inside(
    app: Gateway, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(app._table, "find", broken)
    answer = await client.get("/lab/echo/x")
    assert answer.status_code == 500
    assert answer.json()["exception"] == "InternalException"
    assert "inside" not in answer.text


async def test_head_is_get_without_a_body(client: httpx.AsyncClient) -> None:
    whole = await client.get("/lab/echo/x")
    head = await client.head("/lab/echo/x")
    assert head.status_code == 200
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert head.content == b""


async def test_only_http_is_served(app: Gateway) -> None:
    async def nothing(*_: object) -> dict[str, object]:
        return {}

    with pytest.raises(ValueError, match="websocket"):
        await app({"type": "websocket"}, nothing, nothing)  # type: ignore[arg-type]


async def test_options_may_be_answered_by_an_rpc(client: httpx.AsyncClient) -> None:
    answer = await client.options("/lab/keep/a")
    assert (answer.status_code, answer.headers["x-takes"]) == (200, "anything")
    assert answer.json()["text"] == "a"
    refused = await client.put("/lab/keep/a")
    assert (refused.status_code, refused.headers["allow"]) == (405, "PATCH, OPTIONS")
