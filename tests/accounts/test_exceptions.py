"""Each of the eight documented exceptions, reached by a token made for it."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import jwt
import pytest

from services.accounts.store import people
from services.chassis.vault import Vault
from tests.accounts.conftest import EMAIL, House, claims_of, cli, refused
from tests.kit.identities import make_settings
from vitascope.accounts.v1 import admin_pb2 as admin

Forge = Callable[[House], Awaitable[str]]


async def signed(house: House, **changes: Any) -> str:
    """Return a token signed with the user's own private key, with claims changed or left out."""
    token = await house.login()
    header = jwt.get_unverified_header(token)
    async with house.db.reading() as tx:
        user = await people.user_by_key_id(tx, header["kid"])
    assert user
    vault = Vault(make_settings().encryption_key, "accounts")
    private_key = vault.open(user.private_key, f"{user.id}/{user.key_id}")
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, private_key, "EdDSA", {"kid": user.key_id})


async def corrupt(house: House) -> str:
    token = await house.login()
    return token[:-4] + ("AAAA" if not token.endswith("AAAA") else "BBBB")


async def none_at_all(house: House) -> str:
    return ""


async def expired(house: House) -> str:
    return await signed(house, exp=int(time.time()) - 1)


async def premature(house: House) -> str:
    return await signed(house, nbf=int(time.time()) + 60)


async def of_a_banned_user(house: House) -> str:
    token = await house.login()
    await house.whoami(token)
    await house.admin.BanUser(admin.BanUserRequest(email=EMAIL), metadata=cli())
    return token


async def eternal(house: House) -> str:
    return await signed(house, exp=None)


async def of_a_team_of_others(house: House) -> str:
    return await signed(house, team=(await house.add("bob@example.com")).team_id)


async def with_an_unreadable_key(house: House) -> str:
    token = await house.login()
    async with house.db.transaction() as tx:
        await people.change_user(tx, str(claims_of(token)["sub"]), public_key="not a key")
    return token


@pytest.mark.parametrize(
    ("forge", "exception", "code"),
    [
        (corrupt, "InvalidJWTTokenFoundException", grpc.StatusCode.UNAUTHENTICATED),
        (none_at_all, "NoJWTTokenFoundException", grpc.StatusCode.UNAUTHENTICATED),
        (expired, "ExpiredJWTTokenException", grpc.StatusCode.UNAUTHENTICATED),
        (premature, "PrematureJWTTokenException", grpc.StatusCode.UNAUTHENTICATED),
        (of_a_banned_user, "UserBannedException", grpc.StatusCode.PERMISSION_DENIED),
        (eternal, "EternalJWTTokenException", grpc.StatusCode.UNAUTHENTICATED),
        (of_a_team_of_others, "InconsistentJWTClaimsException", grpc.StatusCode.UNAUTHENTICATED),
        (with_an_unreadable_key, "AuthException", grpc.StatusCode.UNAUTHENTICATED),
    ],
)
async def test_exception(house: House, forge: Forge, exception: str, code: grpc.StatusCode) -> None:
    await house.add()
    error = await refused(house.whoami(await forge(house)))
    assert (error.reason, error.code) == (exception, code)
    assert error.message


async def test_a_token_signed_by_the_test_itself_is_good_unchanged(house: House) -> None:
    added = await house.add()
    assert (await house.whoami(await signed(house))).user.id == added.user_id
