"""`vitascope users`: who may sign in."""

from typing import Annotated

import typer

from cli.commands.asking import Data, Email, show, show_all
from vitascope.accounts.v1 import admin_pb2 as admin
from vitascope.accounts.v1 import internal_pb2 as internal

app = typer.Typer(no_args_is_help=True, help="Who may sign in.")


@app.command("add")
def add(
    data: Data,
    email: Email,
    password: Annotated[str, typer.Option(help="8 to 128 characters.")],
    name: Annotated[str, typer.Option(help="Name to go by.")] = "",
    team: Annotated[str, typer.Option(help="Team to join or to make.")] = "",
) -> None:
    """Add a user and print its id and its team's id as JSON.

    Works while `vitascope up` runs on the folder and before it.
    """
    request = internal.AddUserRequest(email=email, password=password, name=name, team=team)
    show(data, lambda stub: stub.AddUser, request)


@app.command("list")
def list_users(data: Data) -> None:
    """Print all users, with their teams, as a JSON list."""
    show_all(data, lambda stub: stub.ListUsers, admin.ListUsersRequest())


@app.command("ban")
def ban(
    data: Data,
    email: Email,
    reason: Annotated[str, typer.Option(help="Why; the user is told.")] = "",
) -> None:
    """Shut a user out: tokens, passwords and keys of the user end within 5 seconds."""
    request = admin.BanUserRequest(email=email, reason=reason)
    show(data, lambda stub: stub.BanUser, request)


@app.command("unban")
def unban(data: Data, email: Email) -> None:
    """Let a user in again; tokens and keys from before are good again."""
    request = admin.UnbanUserRequest(email=email)
    show(data, lambda stub: stub.UnbanUser, request)
