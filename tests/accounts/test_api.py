"""The documented Accounts endpoints, by real calls."""

import time

import grpc
import jwt
import pytest

from tests.accounts.conftest import (
    EMAIL,
    PASSWORD,
    House,
    basic,
    bearer,
    claims_of,
    cli,
    refused,
)
from vitascope.accounts.v1 import accounts_pb2 as messages
from vitascope.accounts.v1.admin_pb2 import BanUserRequest

TOKEN = messages.CreateTokenRequest()


async def test_a_password_gives_a_token_of_fifteen_minutes(house: House) -> None:
    added = await house.add()
    answer = await house.accounts.CreateToken(TOKEN, metadata=basic())
    assert (answer.user_id, answer.team_id) == (added.user_id, added.team_id)
    user = (await house.whoami(answer.jwt_token)).user
    header = jwt.get_unverified_header(answer.jwt_token)
    assert header == {"alg": "EdDSA", "typ": "JWT", "kid": user.auth_signature_public_key_id}
    claims = jwt.decode(answer.jwt_token, user.auth_signature_public_key, ["EdDSA"])
    assert (claims["sub"], claims["team"]) == (added.user_id, added.team_id)
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert claims["nbf"] == claims["iat"]
    assert abs(claims["iat"] - time.time()) < 5


async def test_addresses_are_the_same_in_any_letter_case(house: House) -> None:
    await house.add("Ann@Example.com")
    assert await house.login("ANN@example.COM")


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "wrong password"), (EMAIL, ""), ("nobody@example.com", PASSWORD), ("", "")],
)
async def test_wrong_credentials_are_not_told_apart(
    house: House, email: str, password: str
) -> None:
    await house.add()
    error = await refused(house.login(email, password))
    assert error.code == grpc.StatusCode.UNAUTHENTICATED
    assert error.reason == "AuthException"
    assert error.message == "The e-mail address or the password is wrong."


async def test_a_team_is_chosen_by_id_with_password_and_with_token(house: House) -> None:
    ann, bob = await house.add(), await house.add("bob@example.com")
    await house.join(ann.user_id, bob.team_id)
    first = await house.login()
    assert claims_of(first)["team"] == ann.team_id
    assert claims_of(await house.login(team=bob.team_id))["team"] == bob.team_id
    switched = await house.accounts.CreateToken(
        messages.CreateTokenRequest(team_id=bob.team_id), metadata=bearer(first)
    )
    assert switched.team_id == bob.team_id
    whoami = await house.whoami(switched.jwt_token)
    assert whoami.team.id == bob.team_id
    assert [team.id for team in whoami.other_teams] == [ann.team_id]
    renewed = await house.accounts.CreateToken(TOKEN, metadata=bearer(switched.jwt_token))
    assert renewed.team_id == bob.team_id


@pytest.mark.parametrize("with_token", [False, True])
async def test_a_team_of_others_is_forbidden(house: House, with_token: bool) -> None:
    await house.add()
    bob = await house.add("bob@example.com")
    metadata = bearer(await house.login()) if with_token else basic()
    for team_id in (bob.team_id, "unknown"):
        request = messages.CreateTokenRequest(team_id=team_id)
        error = await refused(house.accounts.CreateToken(request, metadata=metadata))
        assert error.code == grpc.StatusCode.PERMISSION_DENIED
        assert error.reason == "ForbiddenException"


async def test_the_account_is_as_documented(house: House) -> None:
    added = await house.add(name="Ann", team="Restorers")
    token = await house.login()
    account = await house.accounts.GetAccount(messages.GetAccountRequest(), metadata=bearer(token))
    user = account.user
    assert (user.id, user.name, user.email) == (added.user_id, "Ann", EMAIL)
    assert user.email_confirmed
    assert user.auth_signature_method == "EdDSA"
    assert user.auth_signature_public_key.startswith("-----BEGIN PUBLIC KEY-----")
    assert not user.banned
    for absent in ("banned_reason", "banned_date", "api_request_signature_secret"):
        assert not user.HasField(absent)
    assert abs(user.date_created.seconds - time.time()) < 60
    assert (account.team.id, account.team.name) == (added.team_id, "Restorers")
    assert (await house.whoami(token)).user == user


async def test_a_new_key_pair_ends_older_tokens(house: House) -> None:
    await house.add()
    old = await house.login()
    before = (await house.whoami(old)).user
    after = (
        await house.accounts.GenerateAuthSecret(
            messages.GenerateAuthSecretRequest(), metadata=bearer(old)
        )
    ).user
    assert after.auth_signature_public_key != before.auth_signature_public_key
    assert after.auth_signature_public_key_id != before.auth_signature_public_key_id
    assert after.time_last_updated.ToDatetime() > before.time_last_updated.ToDatetime()
    assert (await refused(house.whoami(old))).reason == "InvalidJWTTokenFoundException"
    assert (await house.whoami(await house.login())).user == after


async def test_a_signature_secret_is_shown_and_stays(house: House) -> None:
    await house.add()
    made = await house.accounts.GenerateSignatureSecret(
        messages.GenerateSignatureSecretRequest(), metadata=basic()
    )
    assert len(made.user.api_request_signature_secret) == 26
    assert made.user.api_request_signature_method == "HMAC-SHA256"
    assert (await house.whoami(await house.login())).user == made.user
    again = await house.accounts.GenerateSignatureSecret(
        messages.GenerateSignatureSecretRequest(), metadata=basic()
    )
    assert again.user.api_request_signature_secret != made.user.api_request_signature_secret


async def test_a_new_password_ends_the_old_one_and_its_tokens(house: House) -> None:
    await house.add()
    old = await house.login()
    request = messages.UpdatePasswordRequest(new_password="ñ" * 128)
    await house.accounts.UpdatePassword(request, metadata=bearer(old))
    assert (await refused(house.whoami(old))).reason == "InvalidJWTTokenFoundException"
    assert (await refused(house.login())).reason == "AuthException"
    assert await house.login(password="ñ" * 128)


@pytest.mark.parametrize("password", ["", "7 chars", "x" * 129])
async def test_a_bad_new_password_names_its_field(house: House, password: str) -> None:
    await house.add()
    request = messages.UpdatePasswordRequest(new_password=password)
    error = await refused(house.accounts.UpdatePassword(request, metadata=basic()))
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in error.violations] == ["newPassword"]
    assert await house.login()


async def test_a_banned_user_is_shut_out_and_shown_why(house: House) -> None:
    await house.add()
    token = await house.login()
    await house.admin.BanUser(BanUserRequest(email=EMAIL, reason="spam"), metadata=cli())
    for error in (await refused(house.login()), await refused(house.whoami(token))):
        assert error.code == grpc.StatusCode.PERMISSION_DENIED
        assert error.reason == "UserBannedException"
        assert "spam" in error.message
    wrong = await refused(house.login(password="wrong password"))
    assert wrong.reason == "AuthException"
