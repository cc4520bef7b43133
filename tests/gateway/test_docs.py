"""The page at /docs: its files over HTTP, and the page itself in a real browser."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.kit.browser import chromium
from tests.kit.suite import Suite

BROWSER_MILLISECONDS = 30_000


async def test_the_page_forbids_everything_from_elsewhere(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "//" not in answer.text


async def test_files_are_kept_for_ever_and_the_page_is_asked_for(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.headers["cache-control"] == "no-cache"
    loaded = re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text)
    assert len(loaded) == 5
    for address in (f"/{each}" for each in loaded):
        answer = await client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        etag = {"if-none-match": answer.headers["etag"]}
        assert (await client.get(address, headers=etag)).status_code == 304
    etag = {"if-none-match": page.headers["etag"]}
    again = await client.get("/docs", headers=etag)
    assert again.status_code == 304
    assert again.content == b""


async def test_other_requests_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/docs")).status_code == 405
    assert (await client.get("/docs/0/page.js")).status_code == 404
    assert (await client.get("/docs/../pyproject.toml")).status_code == 404
    assert (await client.head("/docs")).status_code == 200
    slash = await client.get("/docs/")
    assert (slash.status_code, slash.headers["location"]) == (308, "../docs")


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with Suite(tmp_path_factory.mktemp("docs")) as suite:
        yield suite


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        page.set_default_timeout(BROWSER_MILLISECONDS)
        yield page


def test_a_reader_signs_in_and_tries_an_operation(embedded: Suite, page: Page) -> None:
    asked: list[str] = []
    trouble: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda line: trouble.append(line.text) if line.type == "error" else None)
    with embedded.signed_in("ada@example.org") as client:
        token = client.headers["Authorization"].removeprefix("Bearer ")

    page.goto(f"{embedded.url}/docs")
    page.get_by_role("button", name="Authorize").first.click()
    bearer = page.locator(".auth-container").filter(has_text="bearer")
    bearer.get_by_role("textbox").fill(token)
    bearer.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").last.click()

    operation = page.locator(".opblock").filter(
        has=page.locator("[data-path='/accounts/v1/account']")
    )
    operation.locator(".opblock-summary-control").click()
    answer = operation.locator(".responses-table tr[data-code='200']").first
    expect(answer).to_contain_text("ada@example.org", timeout=BROWSER_MILLISECONDS)
    answer.get_by_role("tab", name="Schema").click()
    expect(answer).to_contain_text("accounts.v1.GetAccountResponse")

    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    live = operation.locator(".live-responses-table")
    expect(live.locator("tr.response td.response-col_status").first).to_contain_text("200")
    expect(live).to_contain_text('"email": "ada@example.org"')

    assert not [each for each in asked if not each.startswith((f"{embedded.url}/", "data:"))]
    assert [each for each in asked if each.endswith("/accounts/v1/account")]
    assert trouble == []
