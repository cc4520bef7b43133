"""What is sealed, only the same key, service and owner open."""

import pytest
from pydantic import SecretStr

from services.chassis.vault import Unreadable, Vault
from tests.kit.identities import ENCRYPTION_KEY

VAULT = Vault(SecretStr(ENCRYPTION_KEY), "accounts")


def test_what_was_sealed_can_be_opened() -> None:
    sealed = VAULT.seal("a private key é", "ann")
    assert VAULT.open(sealed, "ann") == "a private key é"
    assert VAULT.seal("a private key é", "ann") != sealed
    assert VAULT.open_bytes(VAULT.seal_bytes(b"\0\xff", "ann"), "ann") == b"\0\xff"


@pytest.mark.parametrize(
    ("vault", "owner"),
    [
        (VAULT, "bob"),
        (Vault(SecretStr(ENCRYPTION_KEY + "!"), "accounts"), "ann"),
        (Vault(SecretStr(ENCRYPTION_KEY), "tasks"), "ann"),
    ],
    ids=["another owner", "another key", "another service"],
)
def test_nobody_else_opens_it(vault: Vault, owner: str) -> None:
    with pytest.raises(Unreadable):
        vault.open(VAULT.seal("a private key", "ann"), owner)


@pytest.mark.parametrize("sealed", [b"", b"short", VAULT.seal_bytes(b"x", "ann")[:-1]])
def test_damage_is_noticed(sealed: bytes) -> None:
    with pytest.raises(Unreadable):
        VAULT.open_bytes(sealed, "ann")
