"""`vitascope keys`: credentials of the Tasks API."""

from typing import Annotated

import typer

from cli.commands.asking import Data, Email, Team, show
from vitascope.accounts.v1 import admin_pb2 as admin
from vitascope.accounts.v1 import internal_pb2 as internal

app = typer.Typer(no_args_is_help=True, help="Credentials of the Tasks API.")

Keys = Annotated[str, typer.Argument(help="Their id, or the first four characters of the API key.")]


@app.command("add")
def add(
    data: Data,
    email: Email,
    team: Annotated[str, typer.Option(help="Name or id of one of the user's teams.")] = "",
    referrer: Annotated[
        list[str] | None,
        typer.Option(help="Page that may use the API key; may be given several times."),
    ] = None,
) -> None:
    """Make a secret and an API key for a user's team and print them, this once, as JSON."""
    request = internal.AddKeysRequest(email=email, team=team, referrers=referrer or [])
    show(data, lambda stub: stub.AddKeys, request)


@app.command("list")
def list_keys(data: Data, team: Team) -> None:
    """Print a team's keys by their prefixes as JSON."""
    request = admin.ListKeysRequest(team=team)
    show(data, lambda stub: stub.ListKeys, request)


@app.command("revoke")
def revoke(keys: Keys, data: Data) -> None:
    """End a secret and its API key within 5 seconds."""
    request = admin.RevokeKeysRequest(keys=keys)
    show(data, lambda stub: stub.RevokeKeys, request)


@app.command("rotate")
def rotate(keys: Keys, data: Data) -> None:
    """Replace a secret and its API key and print the new ones, this once, as JSON."""
    request = admin.RotateKeysRequest(keys=keys)
    show(data, lambda stub: stub.RotateKeys, request)


@app.command("callback-secret")
def callback_secret(
    data: Data,
    team: Team,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Replace it first, within 5 seconds.")
    ] = False,
) -> None:
    """Print what a team's callbacks are signed with as JSON; docs/callbacks.md tells how."""
    if rotate:
        fresh = admin.RotateCallbackSecretRequest(team=team)
        show(data, lambda stub: stub.RotateCallbackSecret, fresh)
    else:
        known = admin.ShowCallbackSecretRequest(team=team)
        show(data, lambda stub: stub.ShowCallbackSecret, known)
