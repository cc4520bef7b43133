"""Signed requests, from the user's secret to the service."""

import hashlib
import hmac
import json
import time

import httpx
import pytest

from tests.kit.suite import Suite
from tests.surfaces.conftest import Person, add_person
from tests.surfaces.test_accounts import refused

Clock = float | None


class Signer:
    """Signs requests of one user, as `docs/signing.md` shows it."""

    def __init__(self, person: Person) -> None:
        answer = httpx.get(
            f"{person.suite.url}/accounts/v1/generate-signature-secret", auth=person.basic()
        )
        self.secret = answer.json()["user"]["apiRequestSignatureSecret"]
        self.user = person.id

    def headers(
        self, method: str, target: str, body: bytes = b"", moment: Clock = None
    ) -> dict[str, str]:
        """Return the header of one request; `target` is the path with the query."""
        ts = str(int(time.time() if moment is None else moment))
        text = "\n".join((ts, method, target, hashlib.sha256(body).hexdigest()))
        sig = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        return {"Authorization": f"Signature keyId={self.user}, ts={ts}, sig={sig}"}


@pytest.fixture(scope="module")
def signer(suite: Suite) -> Signer:
    return Signer(add_person(suite, "signer@example.org"))


def test_signed_requests_are_their_users(anyone: httpx.Client, signer: Signer) -> None:
    account = anyone.get(
        "/accounts/v1/account", headers=signer.headers("GET", "/accounts/v1/account")
    )
    assert account.status_code == 200, account.text
    assert account.json()["user"]["id"] == signer.user
    body = json.dumps({"name": "signed"}).encode()
    headers = signer.headers("PUT", "/videos/v1/project", body)
    made = anyone.put("/videos/v1/project", content=body, headers=headers)
    assert made.json()["project"]["name"] == "signed"
    target = "/videos/v1/projects?page=1&page-size=5"
    listed = anyone.get(target, headers=signer.headers("GET", target))
    assert listed.json()["_embedded"]["totalFound"] == 1


def test_a_replay_is_refused(anyone: httpx.Client, signer: Signer) -> None:
    target = "/videos/v1/projects?page-size=7"
    headers = signer.headers("GET", target)
    assert anyone.get(target, headers=headers).status_code == 200
    again = anyone.get(target, headers=headers)
    assert refused(again, 401) == "ReplayedSignatureException"
    louder = {"Authorization": headers["Authorization"].replace("sig=", "sig=").upper()}
    assert anyone.get(target, headers=louder).status_code == 401


def test_what_was_not_signed_is_refused(anyone: httpx.Client, signer: Signer) -> None:
    path, body = "/videos/v1/project", b'{"name": "a"}'
    good = signer.headers("PUT", path, body)
    changed = anyone.put(path, content=b'{"name": "b"}', headers=good)
    assert refused(changed, 401) == "InvalidSignatureException"
    elsewhere = anyone.get("/videos/v1/projects", headers=signer.headers("GET", path))
    assert refused(elsewhere, 401) == "InvalidSignatureException"
    unknown = {"Authorization": good["Authorization"].replace(signer.user, "nobody")}
    answer = anyone.put(path, content=body, headers=unknown)
    assert refused(answer, 401) == "InvalidSignatureException"
    # The one that was signed is still good: refusals use nothing up.
    assert anyone.put(path, content=body, headers=good).status_code == 200


@pytest.mark.parametrize("off", [-310, 310])
def test_times_out_of_the_window_are_refused(
    anyone: httpx.Client, signer: Signer, off: int
) -> None:
    headers = signer.headers("GET", "/accounts/v1/account", moment=time.time() + off)
    answer = anyone.get("/accounts/v1/account", headers=headers)
    assert refused(answer, 401) == "InvalidSignatureException"
