"""`vitascope task run KIND`: one command a kind, with the kind's parameters as its options."""

import asyncio
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.commands.asking import print_json
from cli.commands.tables import facts_table
from cli.commands.task.bars import Bars
from cli.commands.task.options import options_of, spelling_of, typed
from cli.commands.task.outputs import Output, Place, places, urls
from cli.commands.task.server import (
    DataOfTask,
    EmailOfTask,
    Secret,
    Server,
    address,
    failures_told,
    secret_of,
)
from cli.kinds import Kind, kinds
from cli.reference import NOT_YET, either_of
from client import Task, TaskError, TasksClient, TaskStatus

app = typer.Typer(
    no_args_is_help=True,
    help="Run a task: one command a kind, which --help explains.",
    epilog="For example: vitascope task run image.thumb --data data "
    "--url https://example.org/a.jpg --width 200 -o thumb.jpg",
)

Store = Annotated[
    str,
    typer.Option(
        help="Where the files are kept: persistent, volatile (a week), or a task_store as JSON.",
        metavar="TYPE",
    ),
]


def run(
    kind: Kind,
    parameters: Mapping[str, Any],
    *,
    output: Output = None,
    store: Store = "persistent",
    callback: Annotated[
        str, typer.Option(help="URL to call when it succeeds.", show_default=False)
    ] = "",
    errback: Annotated[
        str, typer.Option(help="URL to call when it fails.", show_default=False)
    ] = "",
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Print its key, for `task watch`, and leave.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print its status as JSON.")] = False,
    server: Server = "",
    secret: Secret = "",
    data: DataOfTask = None,
    email: EmailOfTask = "",
) -> None:
    """Run one task; exits with 1 and says why when it fails."""
    if no_wait and output:
        raise typer.BadParameter("--output waits for the files, and --no-wait does not")
    wanted = places(kind, output or ())
    task = Task(kind.name, parameters, _store(store), callback or None, errback or None)
    url = address(server, data)
    secret = secret_of(secret, data, email)
    with failures_told():
        if no_wait:
            _tell_queued(asyncio.run(_create(url, secret, task)), as_json)
        else:
            _tell(*asyncio.run(_finish(url, secret, task, wanted)), as_json)


async def _create(url: str, secret: str, task: Task) -> TaskStatus:
    async with TasksClient(url, secret) as client:
        [status] = await client.create([task])
    if status.failure:
        raise TaskError(status)
    return status


async def _finish(
    url: str, secret: str, task: Task, wanted: Sequence[Place]
) -> tuple[TaskStatus, dict[str, str]]:
    """Run the task and save its files; returns its last status and the paths by name."""
    key = ""
    try:
        async with TasksClient(url, secret) as client:
            with Bars() as bars:
                async with aclosing(client.create_stream([task])) as updates:
                    async for status in updates:
                        key = status.key
                        bars.show(status, task.name)
                if status.failure:
                    raise TaskError(status)
                return status, await _save(client, status, wanted, bars)
    except (asyncio.CancelledError, Exception):
        # To close what is under way may fail when somebody leaves; leaving is what counts then.
        running = asyncio.current_task()
        if running is None or not running.cancelling():
            raise
        if key:
            typer.echo(f"it goes on: vitascope task watch --server {url} {key}", err=True)
        raise asyncio.CancelledError from None


async def _save(
    client: TasksClient, status: TaskStatus, wanted: Sequence[Place], bars: Bars
) -> dict[str, str]:
    saved = {}
    for place, url in urls(wanted, status.result).items():
        path = await place.save(client, url, bars.saving(place.name))
        saved[place.name] = str(path)
    return saved


def _tell_queued(status: TaskStatus, as_json: bool) -> None:
    if as_json:
        print_json(status.content)
    else:
        typer.echo(status.key)


def _tell(status: TaskStatus, saved: Mapping[str, str], as_json: bool) -> None:
    if as_json:
        print_json({**status.content, "saved": saved} if saved else status.content)
        return
    result = status.result if isinstance(status.result, dict) else {"result": status.result}
    Console().print(facts_table({"key": status.key, **result}))
    for path in saved.values():
        typer.echo(f"saved {path}")


def _store(text: str) -> dict[str, Any]:
    if not text.startswith("{"):
        return {"type": text}
    try:
        store: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"is no JSON: {error}", param_hint="--store") from error
    return store


def _command(kind: Kind) -> Callable[..., None]:
    """Return `run` for one kind: a function whose signature has the kind's parameters."""
    parameters = inspect.signature(run).parameters.values()
    own = [each for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
    names = {each.name for each in own}

    def command(**given: Any) -> None:
        told = {each.name: typed(each, given[each.name]) for each in kind.parameters}
        # What is as it would be anyhow needs no saying.
        parameters = {
            each.name: told[each.name]
            for each in kind.parameters
            if told[each.name] not in (None, [], each.default)
        }
        run(kind, parameters, **{name: given[name] for name in names})

    vars(command)["__signature__"] = inspect.Signature([*options_of(kind), *own])
    return command


def _offer(kind: Kind) -> None:
    said = filter(None, (kind.about, either_of(kind), "" if kind.available else NOT_YET))
    app.command(
        kind.name,
        help=" ".join(said),
        short_help=kind.about,
        context_settings={"token_normalize_func": spelling_of(kind)},
    )(_command(kind))


for _kind in kinds().values():
    _offer(_kind)
