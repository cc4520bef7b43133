"""Signed requests: HMAC-SHA256 by a shared secret, fresh, and each but once."""

import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import timedelta

from services.accounts.actions.own_account import OwnAccount
from services.accounts.actions.sealing import readable
from services.accounts.model import InvalidSignature, ReplayedSignature
from services.accounts.secrets import new_secret
from services.accounts.store import guards, people
from services.chassis.database import Database, now
from services.chassis.tokens import UserBanned
from services.chassis.vault import Vault

WINDOW_SECONDS = 300
# A signature from the future is good until a window after its own time.
REMEMBERED = timedelta(seconds=2 * WINDOW_SECONDS + 60)
LONGEST_TIMESTAMP = 12


@dataclass(frozen=True)
class SignedRequest:
    """A request as it was signed; `body_sha256` and `signature` in hexadecimal."""

    user_id: str
    timestamp: str
    method: str
    path: str
    body_sha256: str
    signature: str

    def expected(self, secret: str) -> str:
        """Return the signature that the holder of the secret would have sent."""
        text = "\n".join((self.timestamp, self.method, self.path, self.body_sha256))
        return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class Signatures:
    """Turns signed requests into tokens."""

    def __init__(self, db: Database, vault: Vault, accounts: OwnAccount) -> None:
        self._db = db
        self._vault = vault
        self._accounts = accounts
        self._secret_of_nobody = new_secret()

    async def token(self, request: SignedRequest) -> str:
        """Return a token of the user's first team for one signed request.

        Raises InvalidSignature, also for unknown users and times out of the window of five
        minutes, UserBanned, and ReplayedSignature.
        """
        async with self._db.reading() as tx:
            user = await people.user_by_id(tx, request.user_id)
        secret = readable(self._vault, user).signature_secret if user else None
        expected = request.expected(secret or self._secret_of_nobody)
        given = request.signature.lower()
        right = hmac.compare_digest(expected.encode(), given.encode())
        if user is None or secret is None or not right:
            raise InvalidSignature("The request's signature is wrong.")
        _check_time(request.timestamp)
        if user.banned:
            raise UserBanned(user.banned_reason or "")
        await self._use(expected)
        return (await self._accounts.create_token(user.id, "")).text

    async def _use(self, signature: str) -> None:
        moment = now()
        async with self._db.transaction() as tx:
            await guards.forget_signatures_before(tx, moment - REMEMBERED)
            if not await guards.use_signature(tx, signature, moment):
                raise ReplayedSignature("A request with this signature came before.")


def _check_time(timestamp: str) -> None:
    plain = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= LONGEST_TIMESTAMP
    if not plain or abs(time.time() - int(timestamp)) > WINDOW_SECONDS:
        raise InvalidSignature("The request's time is not within five minutes of now.")
