"""The Tasks API's credentials in every documented place, and their life by the command line."""

from typing import Any

import httpx
import pytest

from tests.kit.suite import Suite
from tests.kit.waiting import wait_for
from tests.surfaces.conftest import PAGE, Person

TASK = {"task_name": "image.info", "url": "http://127.0.0.1:9/absent.png"}
REFERRERS = (PAGE, "https://docs.example.com/", "*.example.net")
LISTED = (PAGE, f"{PAGE}/deeper?x=1", "https://docs.example.com/a", "https://a.b.example.net/")
UNLISTED = (
    "",
    "https://app.example.com/",
    "http://app.example.com/editor",
    "https://example.net/",
    "https://evil.org/?https://app.example.com/editor",
)


@pytest.fixture(scope="module")
def keys(suite: Suite, ada: Person) -> dict[str, str]:
    options = [part for page in REFERRERS for part in ("--referrer", page)]
    made: dict[str, str] = suite.run("keys", "add", "--email", ada.email, *options)
    assert made.keys() == {"keys_id", "secret", "api_key"}
    return made


def create(client: httpx.Client, version: str, body: dict[str, Any], **more: Any) -> httpx.Response:
    return client.post(f"/{version}/create", json={"tasks": [TASK], **body}, **more)


def check_refused(answer: httpx.Response) -> None:
    assert answer.status_code == 401, answer.text
    body = answer.json()
    assert body["status"] == "error"
    assert [error["description"] for error in body["errors"]] == ["Invalid credentials."]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_secret_in_the_body_and_in_the_header(
    anyone: httpx.Client, keys: dict[str, str], version: str
) -> None:
    secret = keys["secret"]
    assert create(anyone, version, {"secret": secret}).status_code == 200
    for value in (f"Secret {secret}", f"secret {secret}", f"SECRET   {secret}", secret):
        answer = create(anyone, version, {}, headers={"Authorization": value})
        assert answer.status_code == 200, (value, answer.text)
    wrong: list[dict[str, Any]] = [{}, {"secret": "WRONG"}, {"secret": keys["api_key"]}]
    for body in wrong:
        check_refused(create(anyone, version, body))
    check_refused(create(anyone, version, {}, headers={"Authorization": "Secret WRONG"}))
    check_refused(create(anyone, version, {}, headers={"Authorization": f"Api-Key {secret}"}))


def test_a_secret_in_the_query_of_a_get(anyone: httpx.Client, keys: dict[str, str]) -> None:
    """Every GET that exists is public; one with credentials, as documented, works as well."""
    [made] = create(anyone, "v2", {"secret": keys["secret"]}).json()
    for credential in ({"secret": keys["secret"]}, {"api_key": keys["api_key"]}, {}):
        [status] = anyone.get("/v2/status", params={"tasks": made["key"], **credential}).json()
        assert status["key"] == made["key"]
        assert keys["secret"] not in str(status)


@pytest.mark.parametrize("page", LISTED)
def test_an_api_key_opens_on_listed_pages(
    anyone: httpx.Client, keys: dict[str, str], page: str
) -> None:
    headers = {"Referer": page}
    assert create(anyone, "v2", {"api_key": keys["api_key"]}, headers=headers).status_code == 200
    by_header = headers | {"Authorization": f"api-KEY {keys['api_key']}"}
    assert create(anyone, "v2", {}, headers=by_header).status_code == 200


@pytest.mark.parametrize("page", UNLISTED)
def test_an_api_key_is_shut_elsewhere(
    anyone: httpx.Client, keys: dict[str, str], page: str
) -> None:
    headers = {"Referer": page} if page else {}
    check_refused(create(anyone, "v2", {"api_key": keys["api_key"]}, headers=headers))
    by_header = headers | {"Authorization": f"Api-Key {keys['api_key']}"}
    check_refused(create(anyone, "v2", {}, headers=by_header))


def test_pages_of_listed_origins_are_told_so(anyone: httpx.Client, keys: dict[str, str]) -> None:
    asked = {"Access-Control-Request-Method": "POST"}
    for origin in ("https://app.example.com", "https://x.example.net"):
        answer = anyone.options("/v2/create", headers={"Origin": origin} | asked)
        assert answer.headers["access-control-allow-origin"] == origin
    for origin in ("https://evil.org", "http://app.example.com", "null"):
        answer = anyone.options("/v2/create", headers={"Origin": origin} | asked)
        assert "access-control-allow-origin" not in answer.headers


def test_keys_are_listed_rotated_and_revoked(
    anyone: httpx.Client, suite: Suite, ada: Person
) -> None:
    def opens(secret: str) -> bool:
        return create(anyone, "v2", {"secret": secret}).status_code == 200

    options = ("--team", "Restorers", "--referrer", PAGE)
    first = suite.run("keys", "add", "--email", ada.email, *options)
    [entry] = suite.run("keys", "list", "--team", "Restorers")["keys"]
    assert entry["keys_id"] == first["keys_id"]
    assert entry["prefix"] == first["api_key"][:4]
    assert (entry["email"], entry["referrers"]) == (ada.email, [PAGE])
    assert not {first["secret"], first["api_key"]} & set(map(str, entry.values()))
    assert opens(first["secret"])

    second = suite.run("keys", "rotate", entry["prefix"])
    assert second["keys_id"] == first["keys_id"]
    assert opens(second["secret"])
    wait_for(lambda: not opens(first["secret"]), seconds=20, what="the rotated secret to end")

    suite.run("keys", "revoke", first["keys_id"])
    wait_for(lambda: not opens(second["secret"]), seconds=20, what="the revoked secret to end")
    assert suite.run("keys", "list", "--team", "Restorers")["keys"] == []
