"""What lies encrypted in a user's row, made and read."""

import uuid
from dataclasses import replace
from typing import Any

from services.accounts.model import User
from services.accounts.secrets import new_key_pair, new_secret
from services.chassis.vault import Vault


def new_signing_key(vault: Vault, user_id: str) -> dict[str, Any]:
    """Return the columns of a new key pair; who has an older one, has no valid token any more."""
    pair, key_id = new_key_pair(), str(uuid.uuid4())
    sealed = vault.seal(pair.private_key, f"{user_id}/{key_id}")
    return {"key_id": key_id, "public_key": pair.public_key, "private_key": sealed}


def private_key(vault: Vault, user: User) -> str:
    """Return the private key, PEM, of a user as read from the store."""
    return vault.open(user.private_key, f"{user.id}/{user.key_id}")


def new_signature_secret(vault: Vault, user_id: str) -> str:
    """Return a new secret for signed requests, encrypted."""
    return vault.seal(new_secret(), f"{user_id}/signature")


def readable(vault: Vault, user: User) -> User:
    """Return the user with the signature secret, if there is one, in clear text."""
    if user.signature_secret is None:
        return user
    secret = vault.open(user.signature_secret, f"{user.id}/signature")
    return replace(user, signature_secret=secret)
