"""Callers for tests of one service: a keyring in memory, and credentials that it knows."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import grpc
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import SecretStr

from services.chassis.auth import Authenticator
from services.chassis.clients import CHANNEL_OPTIONS
from services.chassis.keyring import AccountKey, PasswordUser
from services.chassis.server import Registration, create_server
from services.chassis.settings import Settings
from services.chassis.tokens import SigningKey, UserClaims, sign_service_token, sign_user_token

INTERNAL_KEY = "an internal key that is long enough"
ENCRYPTION_KEY = "an encryption key that is long enough"

Metadata = tuple[tuple[str, str], ...]


def make_settings(**given: Any) -> Settings:
    """Return settings with keys for tests."""
    return Settings(
        internal_key=SecretStr(INTERNAL_KEY), encryption_key=SecretStr(ENCRYPTION_KEY), **given
    )


class KeyPair:
    """An Ed25519 key pair in PEM."""

    def __init__(self) -> None:
        key = Ed25519PrivateKey.generate()
        self.private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.public = (
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        )


class Identities:
    """A keyring that knows one user `ann` of `team-a` and `team-b`, and one account's keys."""

    def __init__(self) -> None:
        self.pair = KeyPair()
        self.signing_keys = {"key-1": SigningKey(self.pair.public, "ann", ("team-a", "team-b"))}
        self.secrets = {"A SECRET": AccountKey("team-a", "ann")}
        self.api_keys = {("an api key", "https://listed.example/page"): AccountKey("team-a", "ann")}
        self.passwords = {("ann@example.com", "her password"): PasswordUser("ann")}
        self.asked = 0

    async def signing_key(self, key_id: str) -> SigningKey | None:
        self.asked += 1
        return self.signing_keys.get(key_id)

    async def account_of_secret(self, secret: str) -> AccountKey | None:
        self.asked += 1
        return self.secrets.get(secret)

    async def account_of_api_key(self, api_key: str, referrer: str) -> AccountKey | None:
        self.asked += 1
        return self.api_keys.get((api_key, referrer))

    async def user_of_password(
        self, email: str, password: str, address: str
    ) -> PasswordUser | None:
        self.asked += 1
        return self.passwords.get((email, password))

    def authenticator(self) -> Authenticator:
        return Authenticator(self, SecretStr(INTERNAL_KEY), self)

    def bearer(self, team: str = "team-a") -> Metadata:
        """Return metadata with a good token of ann."""
        token = sign_user_token(self.pair.private, "key-1", UserClaims("ann", team), time.time())
        return authorization(f"Bearer {token}")

    def token(self, changes: Mapping[str, Any], **header: Any) -> str:
        """Return a signed token of ann whose claims are changed; None leaves a claim out."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "sub": "ann",
            "team": "team-a",
            "iat": now,
            "nbf": now,
            "exp": now + 900,
        }
        kept = {
            name: value for name, value in (claims | dict(changes)).items() if value is not None
        }
        return jwt.encode(kept, self.pair.private, "EdDSA", {"kid": "key-1"} | header)


def authorization(value: str) -> Metadata:
    """Return call metadata with this Authorization value."""
    return (("authorization", value),)


def service(name: str) -> Metadata:
    """Return the metadata of a call by another process of the suite."""
    return authorization(f"Service {sign_service_token(name, INTERNAL_KEY, time.time())}")


@asynccontextmanager
async def running(
    *servicers: Registration, authenticator: Authenticator
) -> AsyncIterator[tuple[grpc.aio.Channel, str]]:
    """Run servicers behind the suite's interceptors; gives a bare channel and `HOST:PORT`."""
    server = create_server(servicers, authenticator)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with grpc.aio.insecure_channel(address, CHANNEL_OPTIONS) as channel:
        yield channel, address
    await server.stop(None)
