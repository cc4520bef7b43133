"""What is kept encrypted at rest."""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

NONCE_BYTES = 12


class Unreadable(Exception):
    """It was sealed with another key or for another owner, or it is damaged."""


class Vault:
    """Encrypts what a service must read again, with AES-GCM under the encryption key.

    What one service seals, another one cannot open.
    """

    def __init__(self, encryption_key: SecretStr, service: str) -> None:
        material = encryption_key.get_secret_value().encode()
        info = f"vitascope {service} at rest".encode()
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=info)
        self._cipher = AESGCM(derive.derive(material))

    def seal(self, text: str, owner: str) -> str:
        """Return the text encrypted; only the same owner (for example a user's id) opens it."""
        return base64.b64encode(self.seal_bytes(text.encode(), owner)).decode()

    def open(self, sealed: str, owner: str) -> str:
        """Return the text. Raises Unreadable."""
        return self.open_bytes(base64.b64decode(sealed), owner).decode()

    def seal_bytes(self, data: bytes, owner: str) -> bytes:
        """Return bytes encrypted: nonce, ciphertext and tag."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, owner.encode())

    def open_bytes(self, sealed: bytes, owner: str) -> bytes:
        """Return the bytes. Raises Unreadable."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError) as error:
            raise Unreadable from error
