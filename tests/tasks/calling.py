"""The callbacks of a ledger without its doors, made by a clock that tests turn."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import select

from services.chassis.outside import Policy
from services.tasks.actions.callbacks import Callbacks, outside_policy
from services.tasks.model import TASKS, Item, Lane, State, Submission, TaskRecord, new_key
from services.tasks.model.callbacks import Callback, host_of, owe
from services.tasks.store import callbacks as store
from services.tasks.store.tables import callbacks as table
from tests.kit.web import Call
from tests.tasks.desk import SEALER, Clock, Desk

KIND = "image.info"
SECRET = "a secret that both sides know"
ID = "x-vitascope-callback-id"
LOOPBACK = outside_policy(allow_loopback=True)


async def a_secret(account_id: str) -> str:
    """Return what every account's callbacks are signed with."""
    return SECRET


@asynccontextmanager
async def calling(
    desk: Desk,
    policy: Policy = LOOPBACK,
    secret_of: Callable[[str], Awaitable[str]] = a_secret,
) -> AsyncIterator[None]:
    """Make the calls that the desk owes meanwhile."""
    caller = Callbacks(
        desk.db, secret_of, SEALER, policy, desk.owing.owed, desk.clock, random=lambda: 0.0
    )
    running = asyncio.create_task(caller.run())
    try:
        yield
        assert not running.done(), running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def turn(desk: Desk, seconds: float) -> None:
    """Turn the clock and have it looked at."""
    desk.clock.turn(seconds)
    desk.owing.owed.set()


async def create(
    desk: Desk,
    callback: str | None = None,
    errback: str | None = None,
    *,
    version: int = 2,
    refusal: str = "",
    account: str = "team",
) -> str:
    """Create a task of `KIND`; return its key."""
    key = new_key()
    submission = Submission(
        TASKS, account, key, KIND, refusal=refusal, calls_back=bool(callback or errback)
    )
    problems = {"url": [refusal]} if refusal else None
    record = TaskRecord(key, {"task_name": KIND}, problems, callback, errback, version)
    await desk.tasks.create([(submission, record)])
    return key


async def owed(desk: Desk, urls: Sequence[str], account: str = "team") -> list[Callback]:
    """Owe calls to these addresses, of a task each."""
    new = [_owed(account, url, n, desk) for n, url in enumerate(urls)]
    async with desk.db.transaction() as tx:
        await store.add(tx, new)
    desk.owing.owed.set()
    return new


async def kept(desk: Desk) -> list[Callback]:
    """Return all callbacks, oldest first."""
    async with desk.db.reading() as tx:
        ids = (await tx.scalars(select(table.c.callback_id))).all()
        return await store.by_ids(tx, ids)


def is_signed(call: Call, secret: str = SECRET) -> bool:
    """Whether the signature is right: by the words of docs/callbacks.md, not by the product."""
    fields = dict(part.split("=", 1) for part in call.headers["x-vitascope-signature"].split(","))
    text = fields["t"].encode() + b"." + call.body
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest() == fields["v1"]


def _owed(account: str, url: str, number: int, desk: Desk) -> Callback:
    item = _ended(account)
    sealed = SEALER.seal_text(url, item.item_id)
    return owe(item, sealed, host_of(url), b'{"n":%d}' % number, desk.clock())


def _ended(account: str) -> Item:
    moment = Clock().moment
    return Item(
        item_id=new_key(),
        owner=TASKS,
        account_id=account,
        request_id="",
        kind=KIND,
        spec=b"",
        destination=b"",
        priority=0,
        lane=Lane.SHORT,
        state=State.SUCCESS,
        queued_at=moment,
        run_at=moment,
    )
