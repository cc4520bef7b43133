"""The commands of `vitascope task`."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Annotated

import typer
from rich.console import Console

from cli.commands.asking import print_json
from cli.commands.task import run
from cli.commands.task.bars import Bars, line
from cli.commands.task.server import DataOfTask, Server, address, failures_told
from cli.kinds import kinds
from cli.reference import as_json, either_of, markdown, overview, tables
from client import TasksClient, TaskStatus

app = typer.Typer(
    no_args_is_help=True,
    help="Media tasks: what there is, run them, follow them.",
    epilog="First steps: vitascope task list, then vitascope task run image.thumb --help",
)
app.add_typer(run.app, name="run")

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list", epilog="For example: vitascope task list image.thumb")
def list_kinds(
    kind: Annotated[str, typer.Argument(help="Show all of one kind.", show_default=False)] = "",
    json: Json = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the reference as a document.")
    ] = False,
) -> None:
    """Show the kinds of tasks, or what one can be told and what it makes. Needs no server."""
    if kind and kind not in kinds():
        raise typer.BadParameter(f"is none of: {', '.join(kinds())}", param_hint="KIND")
    chosen = [kinds()[kind]] if kind else list(kinds().values())
    if json:
        print_json([as_json(each) for each in chosen])
    elif as_markdown:
        typer.echo(markdown(chosen))
    elif kind:
        _show(kind)
    else:
        Console().print(overview(chosen))


@app.command("watch", epilog="For example: vitascope task watch --data data KEY KEY")
def watch(
    keys: Annotated[list[str], typer.Argument(help="Keys of tasks.", metavar="KEY...")],
    json: Annotated[
        bool, typer.Option("--json", help="Print each change as a line of JSON.")
    ] = False,
    server: Server = "",
    data: DataOfTask = None,
) -> None:
    """Follow tasks until all have ended; exits with 1 when one ended badly."""
    url = address(server, data)
    with failures_told():
        ended = asyncio.run(_watch(url, keys, json))
    if any(status.failure for status in ended):
        raise typer.Exit(1)


async def _watch(url: str, keys: Sequence[str], as_lines_of_json: bool) -> list[TaskStatus]:
    last: dict[str, TaskStatus] = {}
    async with TasksClient(url) as client, aclosing(client.follow(keys)) as updates:
        with Bars() as bars:
            async for status in updates:
                before = last.get(status.key)
                last[status.key] = status
                bars.show(status, status.key)
                if as_lines_of_json:
                    print_json(status.content)
                elif status.ended or not (bars.shown or (before and before.state == status.state)):
                    typer.echo(line(status))
    return list(last.values())


def _show(name: str) -> None:
    kind, console = kinds()[name], Console()
    console.print(f"[bold]{kind.name}[/]  {kind.about} {either_of(kind)}", highlight=False)
    for table in tables(kind):
        console.print()
        console.print(table)
