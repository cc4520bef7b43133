"""The `vitascope` command."""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated

import typer

from cli import admin, settings_table
from cli.home import Home, HomeInUseError
from cli.up import AddressInUseError, run_suite
from services.chassis.errors import VitascopeError

app = typer.Typer(
    name="vitascope",
    no_args_is_help=True,
    add_completion=False,
    help="A self-hosted media platform: video ingestion, conversion and media tasks.",
    epilog="First steps: vitascope up --data DIR --http 127.0.0.1:8080, then vitascope users add.",
)
users = typer.Typer(no_args_is_help=True, help="Who may sign in.")
keys = typer.Typer(no_args_is_help=True, help="Credentials of the Tasks API.")
app.add_typer(users, name="users")
app.add_typer(keys, name="keys")

Data = Annotated[
    Path, typer.Option(help="Folder that the suite lives in.", file_okay=False, resolve_path=True)
]
Email = Annotated[str, typer.Option(help="Address that the user signs in with.")]


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


@users.command("add")
def add_user(
    data: Data,
    email: Email,
    password: Annotated[str, typer.Option(help="8 to 128 characters.")],
    name: Annotated[str, typer.Option(help="Name to go by.")] = "",
    team: Annotated[str, typer.Option(help="Team to join or to make.")] = "",
) -> None:
    """Add a user and print its id and its team's id as JSON.

    Works while `vitascope up` runs on the folder and before it.
    """
    _print(admin.add_user(Home(data), email, password, name, team))


@keys.command("add")
def add_keys(
    data: Data,
    email: Email,
    referrer: Annotated[
        list[str] | None,
        typer.Option(help="Page that may use the API key; may be given several times."),
    ] = None,
) -> None:
    """Make a secret and an API key for a user and print them, this once, as JSON."""
    _print(admin.add_keys(Home(data), email, referrer or []))


@app.command("settings")
def show_settings() -> None:
    """Print the table of all settings, as the README has it."""
    typer.echo(settings_table.markdown())


def _print(call: Coroutine[object, object, dict[str, str]]) -> None:
    try:
        typer.echo(json.dumps(asyncio.run(call)))
    except VitascopeError as error:
        for violation in error.violations:
            typer.echo(f"{violation.field}: {violation.description}", err=True)
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app()
