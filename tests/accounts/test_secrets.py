"""What is kept of secrets."""

import dataclasses
import re
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters
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


async def test_an_unknown_user_takes_as_much_work_as_a_wrong_password(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database(sqlite_url, metadata)
    await db.migrate("services.accounts.migrations")
    passwords = Passwords()
    announcer = Announcer(Outbox(db, make_settings(), "accounts"), lambda: None)
    vault = Vault(SecretStr(ENCRYPTION_KEY), "accounts")
    administration = Administration(db, announcer, vault, passwords, Limits())
    await administration.add_user(EMAIL, PASSWORD, "", "")
    keyring = LocalKeyring(db, passwords, Limits())

    costs: list[tuple[int, int, int]] = []

    class Hasher(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            asked = extract_parameters(str(hash))
            costs.append((asked.time_cost, asked.memory_cost, asked.parallelism))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Hasher())
    for email in (EMAIL, "nobody@example.com"):
        assert await keyring.user_of_password(email, "wrong password", "") is None
    await db.close()
    known, unknown = costs
    assert known == unknown


async def test_the_migrated_schema_is_the_stores(house: House) -> None:
    assert await drift(house.db) == []


def test_secrets_are_random_and_of_the_documented_form() -> None:
    assert all(re.fullmatch(r"[A-Z2-7]{26}", new_secret()) for _ in range(100))
    assert all(re.fullmatch(r"[a-z2-7]{13}", new_api_key()) for _ in range(100))
    assert len({new_secret() for _ in range(100)} | {new_api_key() for _ in range(100)}) == 200
