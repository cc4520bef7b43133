"""Pages of other sites: which ones browsers let in, and to what."""

import httpx
import pytest

from gateway import origins
from tests.gateway.lab import Lab
from tests.gateway.lines import line_to, request

LISTED = {"origin": "https://listed.test"}
OTHER = {"origin": "https://other.test"}
ASKS = {"access-control-request-method": "POST"}


async def test_a_listed_page_may_ask(client: httpx.AsyncClient) -> None:
    answer = await client.options("/v1/sign", headers=LISTED | ASKS)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == LISTED["origin"]
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, POST, OPTIONS"
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert int(answer.headers["access-control-max-age"]) > 0
    assert "origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("target", ["/v1/sign", "/v1/nothing"])
async def test_a_listed_page_may_read_answers_and_refusals(
    client: httpx.AsyncClient, target: str
) -> None:
    answer = await client.get(target, headers=LISTED)
    assert answer.headers["access-control-allow-origin"] == LISTED["origin"]
    assert "retry-after" in answer.headers["access-control-expose-headers"]
    assert "origin" in answer.headers["vary"]


@pytest.mark.parametrize("origin", ["https://other.test", "https://away.test", "null", "x" * 500])
async def test_other_pages_are_let_in_nowhere(client: httpx.AsyncClient, origin: str) -> None:
    for answer in (
        await client.options("/v1/sign", headers=ASKS | {"origin": origin}),
        await client.get("/v1/sign", headers={"origin": origin}),
    ):
        assert answer.is_success
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "origin" in answer.headers["vary"]


async def test_the_video_api_is_for_no_page_of_another_site(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.options("/lab/echo", headers=LISTED | ASKS),
        await client.get("/lab/echo/x", headers=LISTED),
    ):
        assert answer.is_success
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("target", ["/lab/files/a", "/lab/files/none", "/v1/files/a"])
async def test_what_is_for_any_page_asks_nobody(
    client: httpx.AsyncClient, lab: Lab, target: str
) -> None:
    asks = {"access-control-request-method": "GET", "access-control-request-headers": "range"}
    preflight = await client.options(target, headers=OTHER | asks)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert "range" in preflight.headers["access-control-allow-headers"].split(", ")
    answer = await client.get(target, headers=OTHER)
    assert "content-range" in answer.headers["access-control-expose-headers"]
    for each in (preflight, answer):
        assert each.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in each.headers


async def test_origins_are_remembered(client: httpx.AsyncClient, lab: Lab) -> None:
    for headers in (LISTED, LISTED, OTHER, OTHER):
        await client.get("/v1/sign", headers=headers)
    assert lab.accounts.origins_asked == [LISTED["origin"], OTHER["origin"]]


async def test_what_was_remembered_is_asked_again_later(
    client: httpx.AsyncClient, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origins, "REMEMBERED_SECONDS", 0.0)
    assert "access-control-allow-origin" in (await client.get("/v1/sign", headers=LISTED)).headers
    lab.accounts.listed.clear()
    answer = await client.get("/v1/sign", headers=LISTED)
    assert "access-control-allow-origin" not in answer.headers


async def test_no_more_origins_are_remembered_than_fit(
    client: httpx.AsyncClient, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origins, "REMEMBERED_ORIGINS", 2)
    for number in (1, 2, 3, 1):
        await client.get("/v1/sign", headers={"origin": f"https://{number}.test"})
    assert len(lab.accounts.origins_asked) == 4


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        ("/lab/echo/x", "GET, HEAD, OPTIONS"),
        ("/lab/echo", "POST, REPORT, OPTIONS"),
        ("/lab/echo:loudly", "POST, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
    ],
)
async def test_options_tell_the_methods(
    client: httpx.AsyncClient, target: str, allowed: str
) -> None:
    answer = await client.options(target)
    assert (answer.status_code, answer.headers["allow"]) == (204, allowed)


async def test_options_of_nothing_and_of_everything(client: httpx.AsyncClient, port: int) -> None:
    assert (await client.options("/lab/nothing")).status_code == 404
    async with line_to(port) as line:
        await line.say(request("OPTIONS", "*"))
        assert (await line.head()).startswith("http/1.1 204 ")
