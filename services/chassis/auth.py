"""Who calls: the credentials of a call become an `Identity` that holds scopes.

Credentials stand in the metadata key `authorization`:

    Bearer TOKEN    a user's token, signed by the user's own key
    Basic BASE64    e-mail address and password
    Secret KEY      a Tasks API secret; a bare value without a scheme is taken for one
    Api-Key KEY     a Tasks API key; needs a listed `referer`
    Service TOKEN   another process of this suite

The gateway adds the client's address as `x-client-address`, by which wrong passwords are counted.
"""

import base64
import binascii
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from services.chassis.errors import Forbidden, Unauthenticated, Violation, VitascopeError
from services.chassis.keyring import Keyring, Passwords
from services.chassis.keyring import RemoteKeyring as RemoteKeyring
from services.chassis.limits import UNLIMITED, Limits
from services.chassis.tokens import (
    InvalidToken,
    NoToken,
    UserBanned,
    key_id_of,
    verify_service_token,
    verify_user_token,
)

Kind = Literal["anonymous", "password", "user", "account", "service"]

_SCHEMES: Mapping[str, Kind] = {
    "bearer": "user",
    "basic": "password",
    "secret": "account",
    "api-key": "account",
    "service": "service",
}
_SCOPES: Mapping[Kind, frozenset[str]] = {
    "anonymous": frozenset({"public"}),
    "password": frozenset({"public", "login"}),
    "user": frozenset({"public", "login", "account", "videos", "media"}),
    "account": frozenset({"public", "tasks"}),
    "service": frozenset({"public", "internal", "admin"}),
}
KNOWN_SCOPES = frozenset[str]().union(*_SCOPES.values())
_ADMIN_SERVICES = ("cli",)


@dataclass(frozen=True)
class Identity:
    """A caller. `team_id` is also the account id of the Tasks API."""

    kind: Kind
    scopes: frozenset[str]
    user_id: str | None = None
    team_id: str | None = None
    service: str | None = None
    limits: Limits = UNLIMITED


ANONYMOUS = Identity("anonymous", _SCOPES["anonymous"])

_identity: ContextVar[Identity] = ContextVar("identity", default=ANONYMOUS)


def identity() -> Identity:
    """Return the caller of the RPC that runs now; anonymous outside of RPCs."""
    return _identity.get()


def set_identity(caller: Identity) -> None:
    """Name the caller that the current task works for."""
    _identity.set(caller)


class Authenticator:
    """Turns call metadata into an identity that holds the scope which the RPC asks for."""

    def __init__(
        self, keyring: Keyring, internal_key: SecretStr, passwords: Passwords | None = None
    ) -> None:
        self._keyring = keyring
        self._internal_key = internal_key.get_secret_value()
        self._passwords = passwords

    async def authenticate(self, metadata: Mapping[str, str], scope: str) -> Identity:
        """Return the caller; anonymous when the scope is public and the credentials are bad.

        Raises Unauthenticated or Forbidden with the documented reasons.
        """
        scheme, value = _credential(metadata.get("authorization", ""))
        kind = _SCHEMES.get(scheme, "anonymous")
        if scope not in _SCOPES[kind]:
            raise _refusal(kind, scope)
        try:
            caller = await self._identify(scheme, value, metadata)
        except VitascopeError:
            if scope == "public":
                return ANONYMOUS
            raise
        if scope not in caller.scopes:
            raise _refusal(kind, scope)
        return caller

    async def _identify(self, scheme: str, value: str, metadata: Mapping[str, str]) -> Identity:
        match scheme:
            case "bearer":
                return await self._user(value)
            case "basic":
                return await self._password_user(value, metadata.get("x-client-address", ""))
            case "secret" | "api-key":
                return await self._account(scheme, value, metadata.get("referer", ""))
            case "service":
                return self._service(value)
        return ANONYMOUS

    async def _user(self, token: str) -> Identity:
        if not token:
            raise NoToken("No JWT token was found in the Authorization header.")
        key = await self._keyring.signing_key(key_id_of(token))
        if key is None:
            raise InvalidToken("The JWT token is signed with a key that is not in use.")
        claims = verify_user_token(token, key, time.time())
        limits = key.limits.get(claims.team_id, UNLIMITED)
        return Identity("user", _SCOPES["user"], claims.user_id, claims.team_id, limits=limits)

    async def _password_user(self, encoded: str, address: str) -> Identity:
        if self._passwords is None:
            raise Unauthenticated("Passwords are for the accounts service only.")
        email, password = _basic(encoded)
        found = await self._passwords.user_of_password(email, password, address)
        if found is None:
            raise Unauthenticated("The e-mail address or the password is wrong.")
        if found.banned:
            raise UserBanned(found.banned_reason)
        return Identity("password", _SCOPES["password"], found.user_id)

    async def _account(self, scheme: str, value: str, referrer: str) -> Identity:
        if scheme == "secret":
            key = await self._keyring.account_of_secret(value)
        else:
            key = await self._keyring.account_of_api_key(value, referrer)
        if key is None:
            raise _invalid_credentials()
        return Identity(
            "account", _SCOPES["account"], key.user_id, key.account_id, limits=key.limits
        )

    def _service(self, token: str) -> Identity:
        name = verify_service_token(token, self._internal_key)
        scopes = _SCOPES["service"]
        if name not in _ADMIN_SERVICES:
            scopes -= {"admin"}
        return Identity("service", scopes, service=name)


def _credential(header: str) -> tuple[str, str]:
    """Split an Authorization value into a known lower-case scheme ("" for none) and the rest."""
    header = header.strip()
    scheme, _, value = header.partition(" ")
    if scheme.lower() in _SCHEMES:
        return scheme.lower(), value.strip()
    return ("secret", header) if header else ("", "")


def _basic(encoded: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthenticated("The HTTP Basic credentials cannot be read.") from error
    email, _, password = text.partition(":")
    return email, password


def _refusal(kind: Kind, scope: str) -> VitascopeError:
    """Return why credentials of this kind, good or bad, do not open this scope."""
    if scope == "tasks":
        return _invalid_credentials()
    if scope in _SCOPES["user"]:
        return NoToken("No JWT token was found in the Authorization header.")
    if kind == "anonymous":
        return Unauthenticated("Only this suite's own processes may call this.")
    return Forbidden("Only this suite's own processes may call this.")


def _invalid_credentials() -> Unauthenticated:
    description = "Invalid credentials."
    return Unauthenticated(
        description, violations=[Violation("Authorization", description, location="header")]
    )
