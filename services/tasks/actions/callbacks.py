"""Calls clients whose tasks ended: signed, again until they take it, nobody held up by another."""

import asyncio
import hashlib
import hmac
from asyncio import TaskGroup
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import structlog

from services.chassis.database import Database, Tx
from services.chassis.errors import VitascopeError
from services.chassis.outside import OutsideError, Policy, Reply, retry_after, send
from services.chassis.rounds import repeat
from services.tasks import metrics
from services.tasks.model.callbacks import (
    CLAIM,
    Callback,
    CallbackState,
    delivered,
    failed,
    split_credentials,
    turns,
)
from services.tasks.sealing import Sealer
from services.tasks.store import callbacks

MOST_AT_ONCE = 64
LOOK_SECONDS = 1.0
TRY_SECONDS = 20.0
ID_HEADER = "x-vitascope-callback-id"
SIGNATURE_HEADER = "x-vitascope-signature"

SecretOf = Callable[[str], Awaitable[str]]
"""The secret with which an account's callbacks are signed. Raises VitascopeError."""

log = structlog.stdlib.get_logger(__name__)


def outside_policy(*, allow_loopback: bool) -> Policy:
    """Return what a call may cost; of the answer nothing is read but its head."""
    return Policy(
        max_bytes=0,
        max_seconds=TRY_SECONDS,
        answer_seconds=TRY_SECONDS,
        silence_seconds=TRY_SECONDS,
        allow_loopback=allow_loopback,
    )


def signature(secret: str, moment: datetime, body: bytes) -> str:
    """Return the `X-Vitascope-Signature` of a body that is sent at a moment."""
    seconds = int(moment.timestamp())
    signed = hmac.new(secret.encode(), b"%d." % seconds + body, hashlib.sha256)
    return f"t={seconds},v1={signed.hexdigest()}"


class Callbacks:
    """Makes the calls that are owed, by this process and others on the same database.

    A process that ends in the middle of a call leaves it claimed; when the claim runs out, another
    makes it again by the same id.
    """

    def __init__(
        self,
        db: Database,
        secret_of: SecretOf,
        sealer: Sealer,
        policy: Policy,
        owed: asyncio.Event,
        clock: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._db = db
        self._secret_of = secret_of
        self._sealer = sealer
        self._policy = policy
        self._owed = owed
        self._now = clock
        self._random = random
        self._calls = 0
        self._outcomes: list[Callback] = []

    async def run(self) -> None:
        """Call, for ever."""
        async with TaskGroup() as group:

            async def make_calls() -> None:
                while await self._start(group):
                    pass

            await repeat(make_calls, LOOK_SECONDS, wake=self._owed)

    async def _start(self, group: TaskGroup) -> bool:
        """Note what became of calls and start more; False when there was none to start."""
        room = MOST_AT_ONCE - self._calls
        if not self._outcomes and not (room and await self._any_due()):
            return False
        outcomes, self._outcomes = self._outcomes, []
        try:
            async with self._turn() as tx:
                await callbacks.note(tx, outcomes)
                claimed = await self._claim(tx, room)
        except BaseException:
            self._outcomes = outcomes + self._outcomes
            raise
        for callback in claimed:
            self._calls += 1
            group.create_task(self._make(callback))
        return bool(claimed)

    async def _any_due(self) -> bool:
        async with self._db.reading() as tx:
            return await callbacks.any_due(tx, self._now())

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Tx]:
        """A transaction in which no other process claims: each counts what the others have."""
        async with self._db.exclusive("callbacks") as alone:
            if alone is not None:
                yield alone
                return
        async with self._db.transaction() as tx:
            yield tx

    async def _claim(self, tx: Tx, room: int) -> list[Callback]:
        now = self._now()
        lines = await callbacks.due_lines(tx, now) if room else []
        if not lines:
            return []
        shares = turns(lines, await callbacks.running(tx, now), room)
        claimed: list[Callback] = []
        for line, share in shares.items():
            claimed += await callbacks.claim(tx, line, share, now, now + CLAIM)
        return claimed

    async def _make(self, callback: Callback) -> None:
        try:
            outcome = await self._outcome(callback)
        finally:
            self._calls -= 1
        self._outcomes.append(outcome)
        self._owed.set()
        if outcome.state is CallbackState.GIVEN_UP:
            metrics.GIVEN_UP.inc()
            log.warning(
                "callback given up",
                callback=outcome.callback_id,
                task=outcome.key,
                attempts=outcome.attempts,
                reason=outcome.last_failure,
            )

    async def _outcome(self, callback: Callback) -> Callback:
        try:
            reply = await self._send(callback)
        except OutsideError as error:
            return self._failed(callback, metrics.Call.UNREACHED, str(error))
        except VitascopeError as error:
            return self._failed(callback, metrics.Call.UNSENT, error.message)
        except Exception:
            # One call that cannot be made must not keep the others from being made.
            log.exception("callback failed", callback=callback.callback_id)
            return self._failed(callback, metrics.Call.UNSENT, "The call could not be made.")
        if 200 <= reply.status < 300:
            metrics.CALLS.labels(metrics.Call.DELIVERED).inc()
            return delivered(callback, self._now())
        asked = retry_after(reply.headers.get("retry-after", ""))
        why = f"The server {reply.host} answered with the status {reply.status}."
        return self._failed(callback, metrics.Call.REFUSED, why, asked)

    async def _send(self, callback: Callback) -> Reply:
        secret = await self._secret_of(callback.account_id)
        url, authorization = split_credentials(self._sealer.open_text(callback.url, callback.key))
        headers = {
            "content-type": "application/json",
            ID_HEADER: callback.callback_id,
            SIGNATURE_HEADER: signature(secret, self._now(), callback.body),
        }
        if authorization:
            headers["authorization"] = authorization
        return await send("POST", url, policy=self._policy, headers=headers, body=callback.body)

    def _failed(
        self, callback: Callback, call: metrics.Call, why: str, retry_after: float | None = None
    ) -> Callback:
        metrics.CALLS.labels(call).inc()
        return failed(callback, why, self._now(), self._random(), retry_after)
