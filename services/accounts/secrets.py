"""Passwords, keys and secrets: how they are made and hashed."""

import asyncio
import base64
import hashlib
import os
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

# One check takes 64 MiB and a core for a moment: more at once would only wait for each other.
CONCURRENT_CHECKS = 2


@dataclass(frozen=True)
class KeyPair:
    """An Ed25519 key pair in PEM."""

    private_key: str
    public_key: str


def new_key_pair() -> KeyPair:
    """Return a fresh key pair for a user's tokens."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(private.decode(), public.decode())


def new_secret() -> str:
    """Return 128 random bits as 26 upper-case base32 characters."""
    return base64.b32encode(os.urandom(16)).decode().rstrip("=")


def new_api_key() -> str:
    """Return 64 random bits as 13 lower-case base32 characters."""
    return base64.b32encode(os.urandom(8)).decode().rstrip("=").lower()


def hash_of(secret: str) -> str:
    """Return the SHA-256 in hexadecimal: enough for random secrets, which nobody can guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Passwords:
    """Hashes and checks passwords with argon2id, beside the event loop."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._of_nobody = self._hasher.hash(new_secret())
        self._slots = asyncio.Semaphore(CONCURRENT_CHECKS)

    async def hash(self, password: str) -> str:
        """Return the hash to keep."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def check(self, password: str, password_hash: str | None) -> bool:
        """Return whether the password has this hash.

        None, for a user that is not there, takes the same time and is never right.
        """
        async with self._slots:
            known = password_hash or self._of_nobody
            right = await asyncio.to_thread(self._verify, known, password)
        return right and password_hash is not None

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerifyMismatchError:
            return False
