"""The `vitascope` command."""

import asyncio
from typing import Annotated

import typer

from cli import settings_table
from cli.commands import dead, keys, limits, teams, users, work
from cli.commands.asking import Data
from cli.commands.task.app import app as task
from cli.home import Home, HomeInUseError
from cli.up import AddressInUseError, run_suite

app = typer.Typer(
    name="vitascope",
    no_args_is_help=True,
    add_completion=False,
    help="A self-hosted media platform: video ingestion, conversion and media tasks.",
    epilog="First steps: vitascope up --data DIR --http 127.0.0.1:8080, then vitascope users add.",
)
app.add_typer(users.app, name="users")
app.add_typer(teams.app, name="teams")
app.add_typer(keys.app, name="keys")
app.add_typer(limits.app, name="limits")
app.add_typer(task, name="task")
app.add_typer(work.app, name="work")
app.add_typer(dead.app, name="dead")


@app.command()
def up(
    data: Data,
    http: Annotated[
        str, typer.Option(help="HOST:PORT for REST; port 0 takes a free one.", metavar="HOST:PORT")
    ] = "127.0.0.1:8080",
    workers: Annotated[int, typer.Option(help="Worker processes.", min=1)] = 1,
    allow_loopback_sources: Annotated[
        bool, typer.Option(help="Let tasks read URLs of this machine; for trying things out.")
    ] = False,
) -> None:
    """Run the whole suite in one folder until it is told to stop.

    Prints `ready http://HOST:PORT` once REST answers. State survives a restart.
    """
    try:
        status = asyncio.run(run_suite(Home(data), http, workers, allow_loopback_sources))
    except HomeInUseError as error:
        typer.echo(f"{error}; stop that one first or choose another --data", err=True)
        raise typer.Exit(1) from error
    except AddressInUseError as error:
        typer.echo(f"{error}; choose another --http", err=True)
        raise typer.Exit(1) from error
    raise typer.Exit(status)


@app.command("settings")
def show_settings() -> None:
    """Print the table of all settings, as the README has it."""
    typer.echo(settings_table.markdown())


if __name__ == "__main__":
    app()
