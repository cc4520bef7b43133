"""Who calls: credentials in call metadata become an `Identity` with scopes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import SecretStr

from services.chassis.clients import Clients

Kind = Literal["anonymous", "password", "user", "account", "service"]


@dataclass(frozen=True)
class Identity:
    """A caller. `team_id` is also the account id of the Tasks API."""

    kind: Kind
    scopes: frozenset[str]
    user_id: str | None = None
    team_id: str | None = None
    service: str | None = None


@dataclass(frozen=True)
class SigningKey:
    """A user's public key (PEM) and the user's standing."""

    public_key: str
    user_id: str
    team_ids: tuple[str, ...]
    banned: bool = False
    banned_reason: str = ""


@dataclass(frozen=True)
class AccountKey:
    """The account that a secret or an API key belongs to."""

    account_id: str
    user_id: str


@dataclass(frozen=True)
class PasswordUser:
    """A user who proved a password."""

    user_id: str
    banned: bool = False
    banned_reason: str = ""


class Keyring(Protocol):
    """Knows whose credentials are whose."""

    async def signing_key(self, key_id: str) -> SigningKey | None:
        """Return the key with this id, or None when it is not in use."""

    async def account_of_secret(self, secret: str) -> AccountKey | None:
        """Return the secret's account, or None for an unknown secret."""

    async def account_of_api_key(self, api_key: str, referrer: str) -> AccountKey | None:
        """Return the API key's account, or None for an unknown key or an unlisted referrer."""


class Passwords(Protocol):
    """Checks passwords; only the accounts service can."""

    async def user_of_password(self, email: str, password: str) -> PasswordUser | None:
        """Return the user, or None for wrong credentials."""


class RemoteKeyring:
    """A keyring that asks the accounts service and remembers answers for seconds."""

    def __init__(self, clients: Clients) -> None:
        raise NotImplementedError

    async def signing_key(self, key_id: str) -> SigningKey | None:
        raise NotImplementedError

    async def account_of_secret(self, secret: str) -> AccountKey | None:
        raise NotImplementedError

    async def account_of_api_key(self, api_key: str, referrer: str) -> AccountKey | None:
        raise NotImplementedError


class Authenticator:
    """Turns call metadata into an identity that holds the scope which the RPC asks for."""

    def __init__(
        self, keyring: Keyring, internal_key: SecretStr, passwords: Passwords | None = None
    ) -> None:
        raise NotImplementedError

    async def authenticate(self, metadata: Mapping[str, str], scope: str) -> Identity:
        """Return the caller. Raises Unauthenticated or Forbidden with the documented reasons."""
        raise NotImplementedError


def identity() -> Identity:
    """Return the caller of the RPC that runs now; anonymous outside of RPCs."""
    raise NotImplementedError
