"""Calls that are owed to clients: when they are tried, in what turns, and what becomes of them."""

import base64
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit

from services.tasks.model.records import Item, State, TaskRecord, new_key

TRIED_FOR = timedelta(days=1)
"""For how long a call is tried before it is given up."""

CLAIM = timedelta(seconds=45)
"""How long a process has a callback: longer than one try may take."""

MOST_A_HOST = 4
"""How many calls there may be to one host at once."""

FIRST_DELAY = 5.0
LONGEST_DELAY = 3600.0
MAX_FAILURE_LENGTH = 500
MASK = "***"


class CallbackState(StrEnum):
    """Where a callback is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class Callback:
    """A call that is owed to a client, whose task ended.

    `body` is the status to send, JSON; empty once it is delivered. `line` is the account and the
    host, with which it takes turns. While a process has claimed it, `due_at` is when others may
    take it for lost. `attempts` counts claims, and is the fencing token of the newest.
    """

    callback_id: str
    key: str
    account_id: str
    url: str
    line: str
    body: bytes
    created_at: datetime
    due_at: datetime
    give_up_at: datetime
    state: CallbackState = CallbackState.WAITING
    claimed: bool = False
    attempts: int = 0
    ended_at: datetime | None = None
    last_failure: str = ""


@dataclass(frozen=True)
class Line:
    """Callbacks of one account to one host, the first of which is due since `due_at`."""

    name: str
    due_at: datetime


def address_for(item: Item, record: TaskRecord) -> str | None:
    """Return whom to call now that a task has ended; a cancelled one did not succeed."""
    return record.url_callback if item.state is State.SUCCESS else record.url_errback


def owe(item: Item, url: str, host: str, body: bytes, now: datetime) -> Callback:
    """Return the callback that tells of the end of a task; `url` may be encrypted."""
    return Callback(
        callback_id=new_key(),
        key=item.item_id,
        account_id=item.account_id,
        url=url,
        line=f"{item.account_id} {host}",
        body=body,
        created_at=now,
        due_at=now,
        give_up_at=now + TRIED_FOR,
    )


def unspeakable(callback: Callback, now: datetime) -> Callback:
    """Return a new callback without a body, which cannot be sent."""
    why = "The task's status could not be written."
    return replace(callback, state=CallbackState.GIVEN_UP, ended_at=now, last_failure=why)


def delivered(callback: Callback, now: datetime) -> Callback:
    """Return the callback after its server took it."""
    return replace(
        callback,
        state=CallbackState.DELIVERED,
        claimed=False,
        ended_at=now,
        body=b"",
        last_failure="",
    )


def failed(
    callback: Callback, why: str, now: datetime, jitter: float, retry_after: float | None = None
) -> Callback:
    """Return the callback after a try that failed: due again later, or given up after a day.

    `jitter` is from 0 to 1; `retry_after` is how many seconds the server asks to be left alone.
    """
    after = replace(
        callback, claimed=False, last_failure=why.replace("\0", "")[:MAX_FAILURE_LENGTH]
    )
    if now >= callback.give_up_at:
        return replace(after, state=CallbackState.GIVEN_UP, ended_at=now)
    due_at = now + retry_delay(callback.attempts, jitter, retry_after or 0.0)
    # The last try is at the very end.
    return replace(after, due_at=min(due_at, callback.give_up_at))


def retry_delay(attempts: int, jitter: float, retry_after: float = 0.0) -> timedelta:
    """Return the wait after so many tries (from 1): 5, 10, 20 s and so on, an hour at most, less
    up to half of it; what the server asks for is the least, an hour at most too."""
    usual = min(FIRST_DELAY * 2.0 ** min(attempts - 1, 20), LONGEST_DELAY) * (1 - jitter / 2)
    asked = min(retry_after, LONGEST_DELAY) + jitter if retry_after > 0 else 0.0
    return timedelta(seconds=max(usual, asked))


def turns(due: Iterable[Line], running: Mapping[str, int], room: int) -> Mapping[str, int]:
    """Return how many callbacks of which lines are to be claimed, so that nobody holds others up.

    `running` are the calls that run, by line. Each next one is the account's that has the fewest,
    then the host's that has the fewest, then the one due longest; a host has so many at most.
    """
    by_account: dict[str, list[Line]] = defaultdict(list)
    for line in due:
        by_account[_parts(line.name)[0]].append(line)
    accounts, hosts = Counter[str](), Counter[str]()
    for name, count in running.items():
        account, host = _parts(name)
        accounts[account] += count
        hosts[host] += count
    shares = Counter[str]()
    while by_account and shares.total() < room:
        account = min(by_account, key=lambda each: (accounts[each], by_account[each][0].due_at))
        following = _next_of(by_account[account], hosts)
        if following is None:
            del by_account[account]
            continue
        shares[following.name] += 1
        accounts[account] += 1
        hosts[_parts(following.name)[1]] += 1
    return shares


def _next_of(lines: Sequence[Line], hosts: Counter[str]) -> Line | None:
    open_lines = [line for line in lines if hosts[_parts(line.name)[1]] < MOST_A_HOST]
    if not open_lines:
        return None
    return min(open_lines, key=lambda line: (hosts[_parts(line.name)[1]], line.due_at))


def split_credentials(url: str) -> tuple[str, str | None]:
    """Return an address without the user and password in it, and the `Authorization` they are."""
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    user, _, password = userinfo.partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    bare = urlunsplit(parts._replace(netloc=host))
    return bare, f"Basic {base64.b64encode(pair).decode()}"


def shown(url: str) -> str:
    """Return an address without what may be a credential in it: user, password and query."""
    parts = urlsplit(url)
    _, at, host = parts.netloc.rpartition("@")
    netloc = f"{MASK}@{host}" if at else host
    return urlunsplit(parts._replace(netloc=netloc, query=parts.query and MASK, fragment=""))


def host_of(url: str) -> str:
    """Return the host, and the port where one is given, with which an address takes turns."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def _parts(line: str) -> tuple[str, str]:
    account, _, host = line.partition(" ")
    return account, host
