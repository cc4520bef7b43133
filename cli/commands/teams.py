"""`vitascope teams`: groups of users that own videos and keys."""

from typing import Annotated

import typer

from cli.commands.asking import Data, Email, Team, show, show_all
from vitascope.accounts.v1 import admin_pb2 as admin

app = typer.Typer(no_args_is_help=True, help="Groups of users that own videos and keys.")


@app.command("add")
def add(data: Data, name: Annotated[str, typer.Option(help="The team's name.")]) -> None:
    """Make a team and print its id as JSON."""
    request = admin.AddTeamRequest(name=name)
    show(data, lambda stub: stub.AddTeam, request)


@app.command("list")
def list_teams(data: Data) -> None:
    """Print all teams, with their members, as a JSON list."""
    show_all(data, lambda stub: stub.ListTeams, admin.ListTeamsRequest())


@app.command("join")
def join(data: Data, email: Email, team: Team) -> None:
    """Make a user a member of a team."""
    request = admin.AddMemberRequest(email=email, team=team)
    show(data, lambda stub: stub.AddMember, request)


@app.command("leave")
def leave(data: Data, email: Email, team: Team) -> None:
    """Take a user out of a team; the user must have another one."""
    request = admin.RemoveMemberRequest(email=email, team=team)
    show(data, lambda stub: stub.RemoveMember, request)
