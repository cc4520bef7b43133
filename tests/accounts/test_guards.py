"""Against guessing and replaying: the lock-out, and signatures that are good once."""

import asyncio
import hashlib
import hmac
import time
from datetime import timedelta

import grpc
import pytest

from services.accounts.actions.lockout import FREE_FAILURES_OF_ADDRESS, lock_seconds
from services.accounts.store import guards
from services.accounts.store.tables import failed_sign_ins, used_signatures
from services.chassis.database import now
from tests.accounts.conftest import EMAIL, House, basic, claims_of, cli, refused
from tests.kit.identities import service
from vitascope.accounts.v1 import accounts_pb2 as messages
from vitascope.accounts.v1 import admin_pb2 as admin
from vitascope.accounts.v1 import internal_pb2 as internal


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (4, 0), (5, 1), (6, 2), (9, 16), (14, 512), (15, 900)]
)
def test_the_lock_doubles(failures: int, seconds: float) -> None:
    assert lock_seconds(failures, 5) == seconds
    assert lock_seconds(failures + 1000, 5) == 900


async def age(house: House, seconds: float) -> None:
    """Have all failures happened a while ago."""
    async with house.db.transaction() as tx:
        await tx.execute(
            failed_sign_ins.update().values(last_at=now() - timedelta(seconds=seconds))
        )


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
async def test_parallel_guesses_are_counted_too(house: House, email: str) -> None:
    await house.add()
    errors = await asyncio.gather(*(refused(house.login(email, f"guess {n}")) for n in range(20)))
    codes = [error.code for error in errors]
    assert codes.count(grpc.StatusCode.UNAUTHENTICATED) == 5
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 15
    assert all(error.retry_after == 1 for error in errors if error.retry_after)
    # The right password is not even looked at, nor does asking make it longer.
    locked = await refused(house.login(email))
    assert (locked.code, locked.retry_after) == (grpc.StatusCode.RESOURCE_EXHAUSTED, 1)


async def test_the_lock_opens_and_a_success_clears_the_count(house: House) -> None:
    await house.add()
    for _ in range(5):
        await refused(house.login(password="a guess"))
    await age(house, 1.1)
    await refused(house.login(password="a guess"))
    assert (await refused(house.login())).retry_after == 2
    await age(house, 2.1)
    assert await house.login()
    for _ in range(4):
        error = await refused(house.login(password="a guess"))
        assert error.code == grpc.StatusCode.UNAUTHENTICATED
    assert await house.login()


async def test_an_address_is_locked_for_all_users(house: House) -> None:
    await house.add()

    async def sign_in(email: str, password: str, address: str) -> str:
        metadata = (*basic(email, password), ("x-client-address", address))
        request = messages.CreateTokenRequest()
        return (await house.accounts.CreateToken(request, metadata=metadata)).jwt_token

    for number in range(FREE_FAILURES_OF_ADDRESS):
        await refused(sign_in(f"user{number}@example.com", "a guess", "192.0.2.1"))
    locked = await refused(sign_in(EMAIL, "her password", "192.0.2.1"))
    assert locked.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await sign_in(EMAIL, "her password", "192.0.2.2")
    await age(house, 3601)
    assert await sign_in(EMAIL, "her password", "192.0.2.1")
    await refused(sign_in(EMAIL, "a guess", "192.0.2.1"))
    async with house.db.reading() as tx:
        assert len((await tx.execute(failed_sign_ins.select())).all()) == 2


async def signed(
    house: House, secret: str, user: str, off: float = 0, ts: str = ""
) -> internal.ResolveSignatureResponse:
    """Ask with a signature by `secret`."""
    ts = ts or str(int(time.time() + off))
    digest = hashlib.sha256(b"").hexdigest()
    text = "\n".join((ts, "GET", "/x?y=1", digest))
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    request = internal.ResolveSignatureRequest(
        key_id=user,
        timestamp=ts,
        method="GET",
        path="/x?y=1",
        body_sha256=digest,
        signature=signature,
    )
    return await house.identities.ResolveSignature(request, metadata=service("gateway"))


async def secret_of(house: House) -> str:
    request = messages.GenerateSignatureSecretRequest()
    made = await house.accounts.GenerateSignatureSecret(request, metadata=basic())
    return made.user.api_request_signature_secret


async def test_a_signature_is_good_once(house: House) -> None:
    ann = await house.add()
    secret = await secret_of(house)
    ts = str(int(time.time()))
    answers = await asyncio.gather(
        *(signed(house, secret, ann.user_id, ts=ts) for _ in range(5)), return_exceptions=True
    )
    [good] = [each for each in answers if isinstance(each, internal.ResolveSignatureResponse)]
    claims = claims_of(good.jwt_token)
    assert (claims["sub"], claims["team"]) == (ann.user_id, ann.team_id)
    again = await refused(signed(house, secret, ann.user_id, ts=ts))
    assert again.reason == "ReplayedSignatureException"


async def test_wrong_signatures(house: House) -> None:
    ann = await house.add()
    unmade = await refused(signed(house, "", ann.user_id))
    old = await secret_of(house)
    secret = await secret_of(house)
    errors = [
        unmade,
        await refused(signed(house, old, ann.user_id)),
        await refused(signed(house, secret, "nobody")),
        await refused(signed(house, secret, ann.user_id, off=-302)),
        await refused(signed(house, secret, ann.user_id, off=302)),
        await refused(signed(house, secret, ann.user_id, ts="soon")),
        await refused(signed(house, secret, ann.user_id, ts="9" * 20)),
    ]
    assert {error.reason for error in errors} == {"InvalidSignatureException"}
    assert await signed(house, secret, ann.user_id, off=-290)
    assert await signed(house, secret, ann.user_id, off=290)
    await house.admin.BanUser(admin.BanUserRequest(email=EMAIL), metadata=cli())
    banned = await refused(signed(house, secret, ann.user_id))
    assert banned.reason == "UserBannedException"


async def test_signatures_are_forgotten_when_they_are_of_no_use(house: House) -> None:
    ann = await house.add()
    secret = await secret_of(house)
    async with house.db.transaction() as tx:
        for name, minutes in (("old", 12), ("recent", 9)):
            await guards.use_signature(tx, name, now() - timedelta(minutes=minutes))
    await signed(house, secret, ann.user_id)
    async with house.db.reading() as tx:
        kept = set((await tx.scalars(used_signatures.select())).all())
    assert "old" not in kept
    assert "recent" in kept
    assert len(kept) == 2
