"""Signed requests: `Authorization: Signature keyId=USER, ts=UNIX_SECONDS, sig=HEX`."""

import hashlib
import re
from typing import TYPE_CHECKING

from gateway.exchange import Exchange
from gateway.problems import Refusal, bad_request, refusal_by
from services.chassis.errors import Violation, VitascopeError
from vitascope.accounts.v1.internal_pb2 import ResolveSignatureRequest

if TYPE_CHECKING:
    from vitascope.accounts.v1.internal_pb2_grpc import IdentityServiceAsyncStub

DIGEST_HEADER = "x-content-sha256"
_SCHEME = "signature "
_PART = re.compile(r'\s*(\w+)\s*=\s*"?([^",\s]*)"?\s*')
_PARTS = {"keyId", "ts", "sig"}
_DIGEST = re.compile("[0-9a-f]{64}")
_LONGEST = 4096


def is_signed(exchange: Exchange) -> bool:
    """Whether the request says that it is signed."""
    return exchange.headers.get("authorization", "")[: len(_SCHEME)].lower() == _SCHEME


async def verify_whole(
    exchange: Exchange, identity: "IdentityServiceAsyncStub", limit: int
) -> None:
    """Read the body, have the signature checked and put the user's token in its place.

    Raises Refusal: 413 for a body of more than `limit` bytes, otherwise what accounts says.
    """
    parts = _parts_of(exchange)
    body = await exchange.body(limit)
    await _resolve(exchange, identity, parts, hashlib.sha256(body).hexdigest())


async def verify_streamed(exchange: Exchange, identity: "IdentityServiceAsyncStub") -> None:
    """Do the same for a body that the client has hashed itself, without reading it.

    A body that turns out to be another one ends as broken, with a 400.
    """
    parts = _parts_of(exchange)
    digest = exchange.headers.get(DIGEST_HEADER, "").lower()
    if not _DIGEST.fullmatch(digest):
        what = "must be the SHA-256 of the body, hexadecimal, in a signed upload"
        raise bad_request(f"X-Content-SHA256 {what}", Violation("X-Content-SHA256", what, "header"))
    await _resolve(exchange, identity, parts, digest)
    exchange.expect_digest(digest)


async def _resolve(
    exchange: Exchange, identity: "IdentityServiceAsyncStub", parts: dict[str, str], digest: str
) -> None:
    request = ResolveSignatureRequest(
        key_id=parts["keyId"],
        timestamp=parts["ts"],
        method=exchange.method,
        path=exchange.target,
        body_sha256=digest,
        signature=parts["sig"],
    )
    try:
        answer = await identity.ResolveSignature(request)
    except VitascopeError as error:
        raise refusal_by(error, {}) from error
    exchange.headers["authorization"] = f"Bearer {answer.jwt_token}"


def _parts_of(exchange: Exchange) -> dict[str, str]:
    text = exchange.headers["authorization"][len(_SCHEME) :]
    found = [_PART.fullmatch(item) for item in text[:_LONGEST].split(",")]
    parts = {match[1]: match[2] for match in found if match is not None}
    if parts.keys() != _PARTS or len(found) != len(_PARTS) or not all(parts.values()):
        message = "A signed request says Authorization: Signature keyId=.., ts=.., sig=.."
        raise Refusal(401, "AuthException", message)
    return parts
