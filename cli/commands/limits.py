"""`vitascope limits`: what a team may use."""

from enum import StrEnum
from typing import Annotated

import typer

from cli.commands.asking import Data, Team, show
from vitascope.accounts.v1 import admin_pb2 as admin

app = typer.Typer(no_args_is_help=True, help="What a team may use; 0 is no limit.")


class Limit(StrEnum):
    """A limit as its option names it."""

    tasks_in_flight = "tasks-in-flight"
    tasks_per_minute = "tasks-per-minute"
    stored_bytes = "stored-bytes"
    requests_per_minute = "requests-per-minute"


@app.command("show")
def show_limits(data: Data, team: Team) -> None:
    """Print the limits that hold for a team as JSON."""
    request = admin.GetLimitsRequest(team=team)
    show(data, lambda stub: stub.GetLimits, request)


@app.command("set")
def set_limits(
    data: Data,
    team: Team,
    tasks_in_flight: Annotated[
        int | None, typer.Option(help="Tasks that wait or run at once.", min=0)
    ] = None,
    tasks_per_minute: Annotated[
        int | None, typer.Option(help="Tasks created in a minute.", min=0)
    ] = None,
    stored_bytes: Annotated[
        int | None, typer.Option(help="Bytes of all stored files.", min=0)
    ] = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(help="Requests a minute, for each process.", min=0)
    ] = None,
    reset: Annotated[
        list[Limit] | None, typer.Option(help="A limit to set back to its default; repeatable.")
    ] = None,
) -> None:
    """Set the limits that are given; the others stay. Prints all that hold now as JSON."""
    request = admin.SetLimitsRequest(
        team=team,
        tasks_in_flight=tasks_in_flight,
        tasks_per_minute=tasks_per_minute,
        stored_bytes=stored_bytes,
        requests_per_minute=requests_per_minute,
        reset=[each.name for each in reset or ()],
    )
    show(data, lambda stub: stub.SetLimits, request)
