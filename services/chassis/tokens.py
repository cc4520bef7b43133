"""The two kinds of tokens: users' (EdDSA, 15 minutes) and this suite's own (HS256, 1 minute).

A user's token is refused with the exception names that the Video API documents.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from services.chassis.errors import Forbidden, Unauthenticated
from services.chassis.limits import Limits

if TYPE_CHECKING:
    from jwt.types import Options

USER_TOKEN_SECONDS = 15 * 60
SERVICE_TOKEN_SECONDS = 60
# How far the clocks of two machines of one suite may differ.
CLOCK_SKEW_SECONDS = 5

# PyJWT checks the signature, `_check_times` the rest: it tells the documented cases apart.
_SIGNATURE_ONLY: "Options" = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_sub": False,
    "verify_aud": False,
}
_SERVICE_CLAIMS: "Options" = {"require": ["iss", "exp"], "verify_exp": False}
_REQUIRED_CLAIMS = ("nbf", "iat", "sub", "team")


class NoToken(Unauthenticated):
    """No token came with the call."""

    reason = "NoJWTTokenFoundException"


class InvalidToken(Unauthenticated):
    """The token cannot be read, or was not signed by the key it names."""

    reason = "InvalidJWTTokenFoundException"


class ExpiredToken(Unauthenticated):
    """The token's time is over."""

    reason = "ExpiredJWTTokenException"


class PrematureToken(Unauthenticated):
    """The token's time has not come yet."""

    reason = "PrematureJWTTokenException"


class EternalToken(Unauthenticated):
    """The token never expires."""

    reason = "EternalJWTTokenException"


class InconsistentClaims(Unauthenticated):
    """The token's claims are missing, of the wrong type, or not true."""

    reason = "InconsistentJWTClaimsException"


class UserBanned(Forbidden):
    """The user is shut out."""

    reason = "UserBannedException"

    def __init__(self, banned_reason: str) -> None:
        ending = f": {banned_reason}" if banned_reason else "."
        super().__init__(f"The user has been suspended and may not use the API{ending}")


@dataclass(frozen=True)
class SigningKey:
    """A user's public key (PEM) and the user's standing; `limits` by the ids of the teams."""

    public_key: str
    user_id: str
    team_ids: tuple[str, ...]
    banned: bool = False
    banned_reason: str = ""
    limits: Mapping[str, Limits] = field(default_factory=dict)


@dataclass(frozen=True)
class UserClaims:
    """The user and the team that a token stands for."""

    user_id: str
    team_id: str


def sign_user_token(private_key: str, key_id: str, claims: UserClaims, now: float) -> str:
    """Return a token of 15 minutes from `now` (Unix seconds), signed with a PEM private key."""
    issued = int(now)
    payload = {
        "sub": claims.user_id,
        "team": claims.team_id,
        "iat": issued,
        "nbf": issued,
        "exp": issued + USER_TOKEN_SECONDS,
    }
    return jwt.encode(payload, private_key, algorithm="EdDSA", headers={"kid": key_id})


# Clients send their tokens again and again, and the gateway no longer ones than 4 KiB.
@lru_cache(maxsize=1024)
def key_id_of(token: str) -> str:
    """Return the id of the key that the token says it is signed with. Raises InvalidToken."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise InvalidToken("The JWT token cannot be read.") from error
    if header.get("alg") != "EdDSA" or not header.get("kid"):
        raise InvalidToken("The JWT token must be signed with EdDSA and name its key.")
    return str(header["kid"])


def verify_user_token(token: str, key: SigningKey, now: float) -> UserClaims:
    """Return whom the token stands for at `now` (Unix seconds).

    Raises the documented exceptions; a key of ours that cannot be read is an AuthException.
    """
    claims = _signed_claims(token, key.public_key)
    _check_times(claims, now)
    if key.banned:
        raise UserBanned(key.banned_reason)
    if claims["sub"] != key.user_id or claims["team"] not in key.team_ids:
        raise InconsistentClaims("The JWT token's user and team do not belong together.")
    return UserClaims(user_id=key.user_id, team_id=claims["team"])


def sign_service_token(service: str, internal_key: str, now: float) -> str:
    """Return the credential that proves for 60 s from `now` that `service` calls."""
    claims = {"iss": service, "exp": int(now) + SERVICE_TOKEN_SECONDS}
    return jwt.encode(claims, internal_key, algorithm="HS256")


def verify_service_token(token: str, internal_key: str) -> str:
    """Return the service that calls. Raises Unauthenticated."""
    service, expires = _signed_service(token, internal_key)
    if expires <= time.time():
        raise Unauthenticated("The service credential is not valid.")
    return service


# A service sends its credential with every call for half a minute. Failures are not remembered.
@lru_cache(maxsize=1024)
def _signed_service(token: str, internal_key: str) -> tuple[str, float]:
    """Return who signed a credential, and until when it is good (Unix seconds)."""
    try:
        claims = jwt.decode(token, internal_key, ["HS256"], options=_SERVICE_CLAIMS)
        return str(claims["iss"]), float(claims["exp"])
    except (jwt.InvalidTokenError, TypeError, ValueError) as error:
        raise Unauthenticated("The service credential is not valid.") from error


@lru_cache(maxsize=4096)
def _loaded(public_key: str) -> Ed25519PublicKey:
    key = load_pem_public_key(public_key.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 key")
    return key


# What a key signed stays signed; times and standing are checked at every call. Failures are not
# remembered.
@lru_cache(maxsize=4096)
def _signed_claims(token: str, public_key_pem: str) -> Mapping[str, Any]:
    try:
        public_key = _loaded(public_key_pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unauthenticated("The JWT token could not be checked.") from error
    try:
        return jwt.decode(token, public_key, ["EdDSA"], options=_SIGNATURE_ONLY)
    except jwt.InvalidTokenError as error:
        raise InvalidToken("The JWT token is corrupt or was changed.") from error


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    if claims.get("exp") is None:
        raise EternalToken("The JWT token has no expiration time.")
    if missing := [name for name in _REQUIRED_CLAIMS if claims.get(name) is None]:
        raise InconsistentClaims(f"The JWT token lacks claims: {', '.join(missing)}.")
    if not all(type(claims[name]) in (int, float) for name in ("exp", "nbf", "iat")):
        raise InconsistentClaims("The JWT token's times are not numbers.")
    if not claims["exp"] > now:
        raise ExpiredToken("The JWT token has expired.")
    if not claims["nbf"] <= now + CLOCK_SKEW_SECONDS:
        raise PrematureToken("The JWT token is not valid yet.")
    if not claims["iat"] <= now + CLOCK_SKEW_SECONDS:
        raise InconsistentClaims("The JWT token was issued in the future.")
