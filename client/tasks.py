"""`TasksClient`: the Tasks API v2 as coroutines."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

import httpx

from client.downloads import Progress, download
from client.errors import TaskError
from client.statuses import TaskStatus
from client.storage import Deletion, Listing
from client.streams import follow, status_stream
from client.transport import Request, Transport

BATCH = 1000
TIMEOUT = httpx.Timeout(60, connect=10)


@dataclass(frozen=True)
class Task:
    """What is to be done: a kind such as `image.thumb`, its parameters, and where files go.

    `store` is a `task_store` of the documents, `metas` anything that comes back in the details.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    store: Mapping[str, Any] | None = None
    url_callback: str | None = None
    url_errback: str | None = None
    metas: Any = None

    def definition(self) -> dict[str, Any]:
        """Return the task as the API takes it."""
        own = {
            "task_name": self.name,
            "task_store": self.store,
            "url_callback": self.url_callback,
            "url_errback": self.url_errback,
            "task_metas": self.metas,
        }
        return {**self.parameters, **{key: each for key, each in own.items() if each is not None}}


class TasksClient:
    """The Tasks API of one server, for one account. Use as an async context.

    `url` is the server's, such as `http://127.0.0.1:8080`. The secret is needed to create tasks
    and for storage. Lost connections and 503 are tried again for `patience` seconds in a row;
    every request may be repeated safely. `http` brings proxies, certificates and timeouts of your
    own, and is yours to close.

    Raises RefusedError when the server says no, UnavailableError when it cannot be reached.
    """

    def __init__(
        self,
        url: str,
        secret: str = "",
        *,
        patience: float = 60.0,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._lent = http is not None
        self._transport = Transport(
            http or httpx.AsyncClient(timeout=TIMEOUT), url, secret, patience
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if not self._lent:
            await self._transport.http.aclose()

    async def run(self, task: Task) -> TaskStatus:
        """Create a task and wait for it. Raises TaskError when it ends badly."""
        async with aclosing(self.create_stream([task])) as updates:
            async for status in updates:
                last = status
        if last.failure:
            raise TaskError(last)
        return last

    async def create(self, tasks: Iterable[Task]) -> list[TaskStatus]:
        """Queue tasks, 1000 a request; returns their statuses in order.

        A task with bad parameters has ended with `failure` set; the others go on. When a request
        is refused, those before it have been done.
        """
        definitions = [task.definition() for task in tasks]
        created: list[TaskStatus] = []
        for start in range(0, len(definitions), BATCH):
            body = {"tasks": definitions[start : start + BATCH]}
            request = Request("POST", "/v2/create", body, headers=_named())
            created += map(TaskStatus.of, await self._transport.ask(request))
        return created

    def create_stream(self, tasks: Iterable[Task]) -> AsyncGenerator[TaskStatus, None]:
        """Queue up to 1000 tasks and yield their statuses in order, then each change.

        It ends when all tasks have. A connection that breaks is made anew. Whoever leaves early
        closes it at once with `contextlib.aclosing`.
        """
        body = {"tasks": [task.definition() for task in tasks]}
        opening = Request("POST", "/v2/create_stream", body, headers=_named())
        return follow(self._transport, opening)

    def follow(self, keys: Iterable[str]) -> AsyncGenerator[TaskStatus, None]:
        """Yield the statuses of tasks in order, then each change, as `create_stream` does."""
        return follow(self._transport, status_stream(list(dict.fromkeys(keys))))

    async def status(self, keys: Sequence[str], *, details: bool = False) -> list[TaskStatus]:
        """Return the statuses of tasks, in order. One that nobody knows is a failure.

        With `details`, `content` says more: the kind, its parameters, attempts, the worker.
        """
        request = Request("POST", "/v2/status", {"tasks": list(keys), "details": details})
        return [TaskStatus.of(each) for each in await self._transport.ask(request)]

    async def wait(self, keys: Sequence[str]) -> list[TaskStatus]:
        """Wait until tasks have ended; returns their last statuses in order."""
        last: dict[str, TaskStatus] = {}
        async with aclosing(self.follow(keys)) as updates:
            async for status in updates:
                last[status.key] = status
        return [last[key] for key in keys]

    async def download(self, url: str, path: Path, progress: Progress | None = None) -> str:
        """Write an output file to `path`, which shows it only when it is whole; return its type.

        `progress(received, total)` hears of all that arrives; total is None when nobody knows. The
        type is a media type such as `image/jpeg`. Raises OSError when it cannot be written.
        """
        backoff = self._transport.backoff()
        return await download(self._transport.http, url, path, backoff, progress)

    async def files(self, path: str = "", *, recursive: bool = False) -> Listing:
        """List the account's output files below a path."""
        params = {"recursive": "true"} if recursive else {}
        return Listing.of(await self._transport.ask(Request("GET", _files(path), params=params)))

    async def delete_files(
        self,
        path: str,
        *,
        made_from: datetime | None = None,
        made_to: datetime | None = None,
        max_age: float | None = None,
        dry_run: bool = False,
    ) -> Deletion:
        """Delete the output file at a path, or all below it; all of the account for "".

        The dates and `max_age`, in days, leave younger or older files alone. With `dry_run` it
        only says what it would delete. When the connection broke meanwhile, what was deleted
        before is not listed.
        """
        chosen = {
            "from": made_from and made_from.isoformat(),
            "to": made_to and made_to.isoformat(),
            "max_age": max_age,
            "dry_run": dry_run,
        }
        body = {name: value for name, value in chosen.items() if value is not None}
        return Deletion.of(await self._transport.ask(Request("DELETE", _files(path), body)))

    async def delete_urls(self, urls: Sequence[str], *, dry_run: bool = False) -> Deletion:
        """Delete output files by their URLs."""
        body = {"urls": list(urls), "dry_run": dry_run}
        return Deletion.of(await self._transport.ask(Request("DELETE", _files(""), body)))

    async def expiration(self) -> int:
        """Return after how many days output files are deleted; 0 is never."""
        answer = await self._transport.ask(Request("GET", "/v2/storage/expiration"))
        return int(answer["days"])

    async def set_expiration(self, days: int) -> None:
        """Delete output files after so many days from now on; 0 is never."""
        await self._transport.ask(Request("POST", "/v2/storage/expiration", {"days": days}))


def _named() -> dict[str, str]:
    """Return the header by which a repeat is known to be one."""
    return {"Idempotency-Key": uuid4().hex}


def _files(path: str) -> str:
    return f"/v2/storage/files/{quote(path.lstrip('/'))}"
