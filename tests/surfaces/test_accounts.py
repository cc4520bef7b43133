"""Every request and answer that the Video API documents under Accounts, by REST."""

import re
from typing import Any

import httpx
import jwt
import pytest

from tests.kit.suite import PASSWORD, Suite
from tests.surfaces.conftest import Person, add_person

DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
USER = {
    "id",
    "name",
    "email",
    "emailConfirmed",
    "authSignatureMethod",
    "authSignaturePublicKey",
    "authSignaturePublicKeyId",
    "banned",
    "dateCreated",
    "timeLastUpdated",
}
SIGNED = {"apiRequestSignatureSecret", "apiRequestSignatureMethod"}
TEAM = {"id", "name", "dateCreated", "timeLastUpdated"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def answered(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    return body


def refused(answer: httpx.Response, status: int) -> str:
    """Check an error's form and return its exception."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body.keys() == {"exception", "errorMessage"}
    assert body["errorMessage"]
    return str(body["exception"])


def check_user(user: dict[str, Any], person: Person) -> None:
    """Check a user's documented fields; those of signed requests are there once made."""
    assert USER <= user.keys() <= USER | SIGNED, user
    assert (user["id"], user["email"], user["name"]) == (person.id, person.email, person.email)
    assert user["emailConfirmed"] is True
    assert user["banned"] is False
    assert user["authSignatureMethod"] == "EdDSA"
    assert user["authSignaturePublicKey"].startswith("-----BEGIN PUBLIC KEY-----")
    assert DATE.fullmatch(user["dateCreated"])
    assert DATE.fullmatch(user["timeLastUpdated"])


def check_team(team: dict[str, Any], team_id: str, name: str) -> None:
    assert team.keys() == TEAM
    assert (team["id"], team["name"]) == (team_id, name)
    assert DATE.fullmatch(team["dateCreated"])
    assert DATE.fullmatch(team["timeLastUpdated"])


def restorers(person: Person) -> str:
    """The id of the second team."""
    body = httpx.post(f"{person.suite.url}/accounts/v1/token", headers=bearer(person.token()))
    [other] = [team for team in body.json()["otherTeams"] if team["name"] == "Restorers"]
    return str(other["id"])


def test_a_token_by_password(anyone: httpx.Client, ada: Person) -> None:
    body = answered(anyone.get("/accounts/v1/token", auth=ada.basic()))
    assert body.keys() == {"userId", "teamId", "jwtToken"}
    assert (body["userId"], body["teamId"]) == (ada.id, ada.team)
    claims = jwt.decode(body["jwtToken"], options={"verify_signature": False})
    assert claims.keys() == {"sub", "team", "iat", "nbf", "exp"}
    assert claims["exp"] - claims["iat"] == 15 * 60


def test_the_team_is_chosen_by_password_and_switched_by_token(
    anyone: httpx.Client, ada: Person
) -> None:
    second = restorers(ada)
    params = {"team-id": second}
    by_password = answered(anyone.get("/accounts/v1/token", params=params, auth=ada.basic()))
    assert by_password["teamId"] == second
    by_token = anyone.get("/accounts/v1/token", params=params, headers=bearer(ada.token()))
    switched = answered(by_token)
    assert switched["teamId"] == second
    acting = answered(anyone.get("/accounts/v1/account", headers=bearer(switched["jwtToken"])))
    check_team(acting["team"], second, "Restorers")
    kept = anyone.get("/accounts/v1/token", headers=bearer(switched["jwtToken"]))
    assert answered(kept)["teamId"] == second
    for auth in ({"auth": ada.basic()}, {"headers": bearer(ada.token())}):
        foreign = anyone.get("/accounts/v1/token", params={"team-id": UNKNOWN}, **auth)
        refused(foreign, 403)


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_authenticate(anyone: httpx.Client, ada: Person, body: bytes) -> None:
    answer = anyone.post("/accounts/v1/token", content=body, headers=bearer(ada.token()))
    identity = answered(answer)
    assert identity.keys() == {"user", "team", "otherTeams"}
    check_user(identity["user"], ada)
    check_team(identity["team"], ada.team, ada.email)
    [other] = identity["otherTeams"]
    check_team(other, restorers(ada), "Restorers")


def test_account(anyone: httpx.Client, ada: Person) -> None:
    account = answered(anyone.get("/accounts/v1/account", headers=bearer(ada.token())))
    assert account.keys() == {"user", "team"}
    check_user(account["user"], ada)
    check_team(account["team"], ada.team, ada.email)


@pytest.mark.parametrize("by", ["password", "token"])
def test_generate_auth_secret(anyone: httpx.Client, suite: Suite, by: str) -> None:
    person = add_person(suite, f"key-by-{by}@example.org")
    old = person.token()
    before = answered(anyone.get("/accounts/v1/account", headers=bearer(old)))["user"]
    proof: Any = {"auth": person.basic()} if by == "password" else {"headers": bearer(old)}
    user = answered(anyone.get("/accounts/v1/generate-auth-secret", **proof))["user"]
    check_user(user, person)
    for field in ("authSignaturePublicKey", "authSignaturePublicKeyId"):
        assert user[field] != before[field]
    ended = anyone.post("/accounts/v1/token", headers=bearer(old))
    assert refused(ended, 401) == "InvalidJWTTokenFoundException"
    checked = jwt.decode(
        person.token(), user["authSignaturePublicKey"], algorithms=["EdDSA"], subject=person.id
    )
    assert checked["team"] == person.team


@pytest.mark.parametrize("by", ["password", "token"])
def test_generate_signature_secret(anyone: httpx.Client, suite: Suite, by: str) -> None:
    person = add_person(suite, f"secret-by-{by}@example.org")
    token = person.token()
    proof: Any = {"auth": person.basic()} if by == "password" else {"headers": bearer(token)}
    made = [
        answered(anyone.get("/accounts/v1/generate-signature-secret", **proof))["user"]
        for _ in range(2)
    ]
    for user in made:
        check_user(user, person)
        assert user["apiRequestSignatureMethod"] == "HMAC-SHA256"
    first, second = (user["apiRequestSignatureSecret"] for user in made)
    assert first != second
    account = answered(anyone.get("/accounts/v1/account", headers=bearer(token)))
    assert account["user"]["apiRequestSignatureSecret"] == second


@pytest.mark.parametrize("by", ["password", "token"])
def test_update_password(anyone: httpx.Client, suite: Suite, by: str) -> None:
    person = add_person(suite, f"password-by-{by}@example.org")
    old = person.token()
    proof: Any = {"auth": person.basic()} if by == "password" else {"headers": bearer(old)}
    address = "/accounts/v1/update-password"
    for wrong in ("short", "x" * 129):
        assert "newPassword" in anyone.post(address, json={"newPassword": wrong}, **proof).text
    refused(anyone.post(address, json={"newPassword": "short"}, **proof), 400)
    odd = anyone.post(address, json={"password": "a better password"}, **proof)
    assert refused(odd, 400) == "BadRequestException"
    body = answered(anyone.post(address, json={"newPassword": "a better password"}, **proof))
    check_user(body["user"], person)
    ended = anyone.post("/accounts/v1/token", headers=bearer(old))
    assert refused(ended, 401) == "InvalidJWTTokenFoundException"
    refused(anyone.get("/accounts/v1/token", auth=(person.email, PASSWORD)), 401)
    person.password = "a better password"
    assert person.token()


FUTURE = 33_000_000_000
CLAIMS: dict[str, tuple[str, dict[str, Any]]] = {
    "expired": ("ExpiredJWTTokenException", {"nbf": 1, "iat": 1, "exp": 2}),
    "premature": ("PrematureJWTTokenException", {"nbf": FUTURE, "exp": FUTURE + 900}),
    "eternal": ("EternalJWTTokenException", {"exp": None}),
    "no user": ("InconsistentJWTClaimsException", {"sub": None}),
    "no team": ("InconsistentJWTClaimsException", {"team": None}),
    "no start": ("InconsistentJWTClaimsException", {"nbf": None}),
    "no issue": ("InconsistentJWTClaimsException", {"iat": None}),
    "another team": ("InconsistentJWTClaimsException", {"team": UNKNOWN}),
    "another user": ("InconsistentJWTClaimsException", {"sub": UNKNOWN}),
    "times as text": ("InconsistentJWTClaimsException", {"exp": "tomorrow"}),
}
DOORS = (
    ("POST", "/accounts/v1/token"),
    ("GET", "/videos/v1/projects"),
    ("GET", f"/media/v1/download/original/{UNKNOWN}"),
)


@pytest.mark.parametrize("case", CLAIMS)
def test_tokens_with_wrong_claims(anyone: httpx.Client, ada: Person, case: str) -> None:
    exception, changes = CLAIMS[case]
    token = ada.forged(**changes)
    for method, path in DOORS:
        assert refused(anyone.request(method, path, headers=bearer(token)), 401) == exception


def test_tokens_that_are_none(anyone: httpx.Client, ada: Person) -> None:
    good = ada.token()
    head, claims, signature = good.split(".")
    none = jwt.encode({"sub": ada.id}, "", algorithm="none", headers={"kid": "x"})
    shared = jwt.encode({"sub": ada.id}, "k" * 32, algorithm="HS256", headers={"kid": "x"})
    foreign = ada.forged(header={"kid": UNKNOWN})
    changed = f"{head}.{claims}.{'A' * len(signature)}"
    cases = {
        "": "NoJWTTokenFoundException",
        "Bearer": "NoJWTTokenFoundException",
        "Secret x": "NoJWTTokenFoundException",
        "Bearer x": "InvalidJWTTokenFoundException",
        f"Bearer {changed}": "InvalidJWTTokenFoundException",
        f"Bearer {none}": "InvalidJWTTokenFoundException",
        f"Bearer {shared}": "InvalidJWTTokenFoundException",
        f"Bearer {foreign}": "InvalidJWTTokenFoundException",
    }
    for value, exception in cases.items():
        headers = {"Authorization": value} if value else {}
        for method, path in DOORS:
            answer = anyone.request(method, path, headers=headers)
            assert refused(answer, 401) == exception, (value, path)


def test_a_general_failure(anyone: httpx.Client, suite: Suite) -> None:
    """The stored public key is damaged, so that no token can be checked."""
    person = add_person(suite, "damaged@example.org")
    token = person.token()
    person.spoil_public_key()
    for method, path in DOORS:
        answer = anyone.request(method, path, headers=bearer(token))
        assert refused(answer, 401) == "AuthException"


def test_wrong_passwords(anyone: httpx.Client, ada: Person) -> None:
    for auth in ((ada.email, "wrong"), ("nobody@example.org", PASSWORD)):
        assert refused(anyone.get("/accounts/v1/token", auth=auth), 401) == "AuthException"
