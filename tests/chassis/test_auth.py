"""Which credentials open which scopes, and why the others do not."""

import base64
import dataclasses
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from services.chassis.auth import ANONYMOUS, KNOWN_SCOPES, Identity
from services.chassis.errors import Forbidden, Unauthenticated, Unavailable, VitascopeError
from services.chassis.keyring import PasswordUser
from services.chassis.tokens import SigningKey, sign_service_token
from tests.kit.identities import INTERNAL_KEY, Identities, KeyPair


def basic(email: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{email}:{password}".encode()).decode()


async def authenticate(
    identities: Identities, authorization: str, scope: str, referer: str = ""
) -> Identity:
    metadata = {"authorization": authorization, "referer": referer}
    return await identities.authenticator().authenticate(metadata, scope)


async def reason(identities: Identities, authorization: str, scope: str, referer: str = "") -> str:
    with pytest.raises(VitascopeError) as caught:
        await authenticate(identities, authorization, scope, referer)
    return caught.value.reason


CREDENTIALS: dict[str, Callable[[Identities], str]] = {
    "anonymous": lambda _: "",
    "password": lambda _: basic("ann@example.com", "her password"),
    "user": lambda ann: ann.bearer()[0][1],
    "account": lambda _: "Secret A SECRET",
    "service": lambda _: f"Service {sign_service_token('videos', INTERNAL_KEY, time.time())}",
    "cli": lambda _: f"Service {sign_service_token('cli', INTERNAL_KEY, time.time())}",
}
OPENED = {
    "anonymous": {"public"},
    "password": {"public", "login"},
    "user": {"public", "login", "account", "videos", "media"},
    "account": {"public", "tasks"},
    "service": {"public", "internal"},
    "cli": {"public", "internal", "admin"},
}


@pytest.mark.parametrize("scope", sorted(KNOWN_SCOPES))
@pytest.mark.parametrize("who", CREDENTIALS)
async def test_each_credential_opens_its_scopes_and_no_other(who: str, scope: str) -> None:
    ann = Identities()
    if scope in OPENED[who]:
        caller = await authenticate(ann, CREDENTIALS[who](ann), scope)
        assert caller.kind == {"cli": "service"}.get(who, who)
        assert caller.scopes == OPENED[who]
    else:
        with pytest.raises((Unauthenticated, Forbidden)):
            await authenticate(ann, CREDENTIALS[who](ann), scope)


async def test_identities_say_whom_they_stand_for() -> None:
    ann = Identities()
    user = await authenticate(ann, ann.bearer("team-b")[0][1], "videos")
    assert (user.user_id, user.team_id) == ("ann", "team-b")
    account = await authenticate(ann, "Secret A SECRET", "tasks")
    assert (account.user_id, account.team_id) == ("ann", "team-a")
    service = await authenticate(ann, CREDENTIALS["service"](ann), "internal")
    assert (service.service, service.user_id) == ("videos", None)


@pytest.mark.parametrize("value", ["secret A SECRET", "SECRET A SECRET", "A SECRET", " A SECRET "])
async def test_schemes_take_any_case_and_a_bare_value_is_a_secret(value: str) -> None:
    assert (await authenticate(Identities(), value, "tasks")).team_id == "team-a"


async def test_an_api_key_needs_its_referrer() -> None:
    page = "https://listed.example/page"
    caller = await authenticate(Identities(), "Api-Key an api key", "tasks", page)
    assert caller.team_id == "team-a"
    assert await reason(Identities(), "Api-Key an api key", "tasks") == "AuthException"
    assert (
        await reason(Identities(), "Api-Key an api key", "tasks", "https://x/") == "AuthException"
    )


@pytest.mark.parametrize("value", ["", "Secret wrong", "Bearer x.y.z", "nonsense", basic("a", "b")])
async def test_wrong_tasks_credentials_are_told_where_they_stand(value: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await authenticate(Identities(), value, "tasks")
    violation = caught.value.violations[0]
    assert (violation.field, violation.location) == ("Authorization", "header")


@pytest.mark.parametrize(
    "value", ["Bearer rubbish", "Secret wrong", "Basic ###", "Service forged", "nonsense"]
)
async def test_public_calls_are_served_whatever_the_credentials(value: str) -> None:
    assert await authenticate(Identities(), value, "public") == ANONYMOUS


async def test_public_calls_are_served_while_the_accounts_service_is_away() -> None:
    class Away(Identities):
        async def account_of_secret(self, secret: str) -> None:
            raise Unavailable("The accounts service is away.")

    assert await authenticate(Away(), "Secret A SECRET", "public") == ANONYMOUS
    with pytest.raises(Unavailable):
        await authenticate(Away(), "Secret A SECRET", "tasks")


async def test_credentials_that_cannot_open_a_scope_are_not_even_looked_up() -> None:
    ann = Identities()
    await reason(ann, basic("ann@example.com", "her password"), "videos")
    await reason(ann, "Secret A SECRET", "account")
    assert ann.asked == 0


@pytest.mark.parametrize(
    "value", ["Basic", "Basic ###", basic("ann@example.com", "wrong"), "Basic /w=="]
)
async def test_wrong_passwords_are_refused(value: str) -> None:
    assert await reason(Identities(), value, "login") == "AuthException"


async def test_a_banned_user_is_forbidden_with_password_and_token() -> None:
    ann = Identities()
    ann.passwords["ann@example.com", "her password"] = PasswordUser("ann", True, "spam")
    ann.signing_keys["key-1"] = dataclasses.replace(
        ann.signing_keys["key-1"], banned=True, banned_reason="spam"
    )
    for value in (basic("ann@example.com", "her password"), ann.bearer()[0][1]):
        with pytest.raises(Forbidden, match="spam") as caught:
            await authenticate(ann, value, "login")
        assert caught.value.reason == "UserBannedException"


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "no scheme", basic("a", "b")])
async def test_no_token(value: str) -> None:
    assert await reason(Identities(), value, "account") == "NoJWTTokenFoundException"


PAST, FUTURE = int(time.time()) - 3600, int(time.time()) + 3600


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exp": PAST}, "ExpiredJWTTokenException"),
        ({"nbf": FUTURE}, "PrematureJWTTokenException"),
        ({"exp": None}, "EternalJWTTokenException"),
        ({"sub": None}, "InconsistentJWTClaimsException"),
        ({"team": None}, "InconsistentJWTClaimsException"),
        ({"nbf": None}, "InconsistentJWTClaimsException"),
        ({"iat": None}, "InconsistentJWTClaimsException"),
        ({"iat": FUTURE}, "InconsistentJWTClaimsException"),
        ({"exp": "soon"}, "InconsistentJWTClaimsException"),
        ({"nbf": True}, "InconsistentJWTClaimsException"),
        ({"sub": "bob"}, "InconsistentJWTClaimsException"),
        ({"team": "team-of-others"}, "InconsistentJWTClaimsException"),
        ({"team": ["team-a"]}, "InconsistentJWTClaimsException"),
    ],
)
async def test_claims(changes: dict[str, Any], expected: str) -> None:
    ann = Identities()
    assert await reason(ann, f"Bearer {ann.token(changes)}", "account") == expected


async def test_a_token_of_now_is_good_on_a_machine_whose_clock_is_a_little_late() -> None:
    ann = Identities()
    soon = int(time.time()) + 3
    token = ann.token({"nbf": soon, "iat": soon})
    assert (await authenticate(ann, f"Bearer {token}", "account")).user_id == "ann"


async def test_only_the_users_own_eddsa_key_signs() -> None:
    ann = Identities()
    good = ann.bearer()[0][1].removeprefix("Bearer ")
    head, body, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    hs256 = jwt.encode(claims, "x" * 32, "HS256", {"kid": "key-1"})
    unsigned = jwt.encode(claims, "", "none", {"kid": "key-1"})
    stranger = jwt.encode(claims, KeyPair().private, "EdDSA", {"kid": "key-1"})
    changed = f"{head}.{jwt.encode(claims | {'team': 'x'}, '', 'none').split('.')[1]}.{signature}"
    cut = f"{head}.{body}."
    for token in (hs256, unsigned, stranger, changed, cut, "rubbish", ann.token({}, kid="key-2")):
        assert await reason(ann, f"Bearer {token}", "account") == "InvalidJWTTokenFoundException"
    without_kid = jwt.encode(claims, ann.pair.private, "EdDSA")
    assert await reason(ann, f"Bearer {without_kid}", "account") == "InvalidJWTTokenFoundException"


async def test_a_key_that_cannot_be_read_is_a_general_failure() -> None:
    ann = Identities()
    token = ann.bearer()[0][1]
    ann.signing_keys["key-1"] = SigningKey("not a key", "ann", ("team-a",))
    assert await reason(ann, token, "account") == "AuthException"


@pytest.mark.parametrize("key", ["another key that is long enough to", INTERNAL_KEY])
async def test_service_credentials_are_signed_and_short_lived(key: str) -> None:
    issued = time.time() - (61 if key == INTERNAL_KEY else 0)
    value = f"Service {sign_service_token('videos', key, issued)}"
    assert await reason(Identities(), value, "internal") == "AuthException"


async def test_a_service_credential_that_was_good_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    issued = time.time()
    value = f"Service {sign_service_token('videos', INTERNAL_KEY, issued)}"
    assert (await authenticate(Identities(), value, "internal")).service == "videos"
    monkeypatch.setattr(time, "time", lambda: issued + 61)
    assert await reason(Identities(), value, "internal") == "AuthException"
