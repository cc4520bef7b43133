"""Whose credentials are whose: what every service asks, and how it asks the accounts service."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from services.chassis.clients import Clients
from services.chassis.errors import NotFound, Unauthenticated
from services.chassis.limits import UNLIMITED, Limits
from services.chassis.tokens import SigningKey
from vitascope.accounts.v1.internal_pb2 import (
    GetSigningKeyRequest,
    ResolveKeyRequest,
)
from vitascope.accounts.v1.internal_pb2_grpc import IdentityServiceStub
from vitascope.accounts.v1.limits_pb2 import AccountLimits

if TYPE_CHECKING:
    from vitascope.accounts.v1.internal_pb2_grpc import IdentityServiceAsyncStub

# What was rotated, banned or revoked must end everywhere within 5 s; the call takes some of them.
REMEMBERED_SECONDS = 4.0
REMEMBERED_ANSWERS = 10_000

Answer = TypeVar("Answer")


class UnknownKey(Unauthenticated):
    """No account has this secret or API key, or the page may not use it."""

    reason = "UnknownKeyException"


@dataclass(frozen=True)
class AccountKey:
    """The account that a secret or an API key belongs to, and the user who made it."""

    account_id: str
    user_id: str
    limits: Limits = UNLIMITED


@dataclass(frozen=True)
class PasswordUser:
    """A user who proved a password."""

    user_id: str
    banned: bool = False
    banned_reason: str = ""


class Keyring(Protocol):
    """Knows whose keys are whose."""

    async def signing_key(self, key_id: str) -> SigningKey | None:
        """Return the key with this id, or None when it is not in use."""

    async def account_of_secret(self, secret: str) -> AccountKey | None:
        """Return the secret's account, or None for an unknown secret."""

    async def account_of_api_key(self, api_key: str, referrer: str) -> AccountKey | None:
        """Return the API key's account, or None for an unknown key or an unlisted referrer."""


class Passwords(Protocol):
    """Checks passwords; only the accounts service can."""

    async def user_of_password(
        self, email: str, password: str, address: str
    ) -> PasswordUser | None:
        """Return the user, or None for wrong credentials; `address` is the client's, "" if unknown.

        Raises Exhausted while too many failures lock the user or the address out.
        """


class RememberingKeyring:
    """Another keyring, whose answers it remembers for 4 s."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._signing_keys = Remembered[SigningKey]()
        self._accounts = Remembered[AccountKey]()

    async def signing_key(self, key_id: str) -> SigningKey | None:
        """Return the key with this id, or None when it is not in use."""
        ask = partial(self._keyring.signing_key, key_id)
        return await self._signing_keys.get((key_id,), ask)

    async def account_of_secret(self, secret: str) -> AccountKey | None:
        """Return the secret's account, or None for an unknown secret."""
        ask = partial(self._keyring.account_of_secret, secret)
        return await self._accounts.get(("secret", secret), ask)

    async def account_of_api_key(self, api_key: str, referrer: str) -> AccountKey | None:
        """Return the API key's account, or None for an unknown key or an unlisted referrer."""
        ask = partial(self._keyring.account_of_api_key, api_key, referrer)
        return await self._accounts.get(("api_key", api_key, referrer), ask)

    def forget(self) -> None:
        """Ask anew from now on, also where an answer is on its way."""
        self._signing_keys = Remembered()
        self._accounts = Remembered()


class RemoteKeyring(RememberingKeyring):
    """A keyring that asks the accounts service and remembers its answers."""

    def __init__(self, clients: Clients) -> None:
        super().__init__(_AccountsService(clients.stub(IdentityServiceStub)))


class _AccountsService:
    def __init__(self, identity: "IdentityServiceAsyncStub") -> None:
        self._identity = identity

    async def signing_key(self, key_id: str) -> SigningKey | None:
        try:
            key = await self._identity.GetSigningKey(GetSigningKeyRequest(key_id=key_id))
        except NotFound:
            return None
        return SigningKey(
            public_key=key.public_key,
            user_id=key.user_id,
            team_ids=tuple(key.team_ids),
            banned=key.banned,
            banned_reason=key.banned_reason,
            limits={team: _limits(given) for team, given in key.limits.items()},
        )

    async def account_of_secret(self, secret: str) -> AccountKey | None:
        return await self._account(ResolveKeyRequest(secret=secret))

    async def account_of_api_key(self, api_key: str, referrer: str) -> AccountKey | None:
        return await self._account(ResolveKeyRequest(api_key=api_key, referrer=referrer))

    async def _account(self, request: ResolveKeyRequest) -> AccountKey | None:
        try:
            answer = await self._identity.ResolveKey(request)
        except Unauthenticated as error:
            # Any other reason says that this service itself was refused.
            if error.reason != UnknownKey.reason:
                raise
            return None
        return AccountKey(answer.account_id, answer.user_id, _limits(answer.limits))


def _limits(given: AccountLimits) -> Limits:
    return Limits(
        tasks_in_flight=given.tasks_in_flight,
        tasks_per_minute=given.tasks_per_minute,
        stored_bytes=given.stored_bytes,
        requests_per_minute=given.requests_per_minute,
    )


class Remembered(Generic[Answer]):
    """Answers of the last seconds, also negative ones; never more than a fixed number."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, ...], tuple[float, Answer | None]] = {}

    async def get(
        self, key: tuple[str, ...], ask: Callable[[], Awaitable[Answer | None]]
    ) -> Answer | None:
        """Return the answer to a question, asked anew when it is not of the last seconds."""
        until, answer = self._answers.get(key, (0.0, None))
        if time.monotonic() < until:
            return answer
        asked_at = time.monotonic()
        answer = await ask()
        if len(self._answers) >= REMEMBERED_ANSWERS:
            self._answers.clear()
        self._answers[key] = (asked_at + REMEMBERED_SECONDS, answer)
        return answer
