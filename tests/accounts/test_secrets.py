"""What is kept of secrets."""

import dataclasses
import re
import statistics
import time

from pydantic import SecretStr

from services.accounts.actions.administration import Administration
from services.accounts.actions.announcing import Announcer
from services.accounts.keyring import LocalKeyring
from services.accounts.secrets import Passwords, new_api_key, new_secret
from services.accounts.store import people
from services.accounts.store.tables import metadata
from services.chassis.database import Database
from services.chassis.events import Outbox
from services.chassis.limits import Limits
from services.chassis.vault import Vault
from tests.accounts.conftest import EMAIL, PASSWORD, House, basic
from tests.kit.identities import ENCRYPTION_KEY, make_settings
from tests.kit.schema import drift
from vitascope.accounts.v1.accounts_pb2 import GenerateSignatureSecretRequest


async def test_nothing_readable_lies_in_the_database(house: House) -> None:
    await house.add()
    made = await house.accounts.GenerateSignatureSecret(
        GenerateSignatureSecretRequest(), metadata=basic()
    )
    async with house.db.reading() as tx:
        user = await people.user_by_id(tx, made.user.id)
    assert user
    kept = str(dataclasses.asdict(user))
    assert "PRIVATE KEY" not in kept
    assert made.user.api_request_signature_secret not in kept
    assert PASSWORD not in kept
    assert user.password_hash.startswith("$argon2id$")
    shown = repr(user)
    assert not any(secret in shown for secret in (user.password_hash, user.private_key))


async def test_an_unknown_user_takes_as_long_as_a_wrong_password(sqlite_url: str) -> None:
    db = Database(sqlite_url, metadata)
    await db.migrate("services.accounts.migrations")
    passwords = Passwords()
    announcer = Announcer(Outbox(db, make_settings(), "accounts"), lambda: None)
    vault = Vault(SecretStr(ENCRYPTION_KEY), "accounts")
    administration = Administration(db, announcer, vault, passwords, Limits())
    await administration.add_user(EMAIL, PASSWORD, "", "")
    keyring = LocalKeyring(db, passwords, Limits())

    async def seconds(email: str) -> float:
        times = []
        for _ in range(4):
            started = time.perf_counter()
            assert await keyring.user_of_password(email, "wrong password", "") is None
            times.append(time.perf_counter() - started)
        return statistics.median(times)

    known, unknown = await seconds(EMAIL), await seconds("nobody@example.com")
    await db.close()
    # Without the check against nobody's hash the unknown user would answer ten times faster.
    assert known / 3 < unknown < known * 3


async def test_the_migrated_schema_is_the_stores(house: House) -> None:
    assert await drift(house.db) == []


def test_secrets_are_random_and_of_the_documented_form() -> None:
    assert all(re.fullmatch(r"[A-Z2-7]{26}", new_secret()) for _ in range(100))
    assert all(re.fullmatch(r"[a-z2-7]{13}", new_api_key()) for _ in range(100))
    assert len({new_secret() for _ in range(100)} | {new_api_key() for _ in range(100)}) == 200
