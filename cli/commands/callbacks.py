"""`vitascope work callbacks`: calls to clients whose tasks ended."""

from typing import Annotated

import typer
from rich.console import Console

from cli.commands.asking import Data, print_json
from cli.commands.ledger import CALL, Json, ask
from cli.commands.tables import callback_told, callbacks_list, facts_table
from vitascope.work.v1 import admin_pb2

app = typer.Typer(no_args_is_help=True, help="Calls to clients whose tasks ended.")

STATES = {
    name.removeprefix("CALLBACK_STATE_").lower(): number
    for name, number in admin_pb2.CallbackState.items()
    if number
}


@app.command(
    "list", epilog="For example: vitascope work callbacks list --data data --state given_up"
)
def list_callbacks(
    data: Data,
    state: Annotated[
        str, typer.Option(help=f"Only these: {', '.join(STATES)}.", show_default=False)
    ] = "",
    account: Annotated[str, typer.Option(help="Only this account's (a team's id).")] = "",
    task: Annotated[str, typer.Option(help="Only those of the task with this key.")] = "",
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)] = 50,
    as_json: Json = False,
) -> None:
    """Show callbacks, newest first."""
    if state and state not in STATES:
        raise typer.BadParameter(f"must be one of {', '.join(STATES)}", param_hint="--state")
    request = admin_pb2.ListCallbacksRequest(
        state=STATES.get(state, admin_pb2.CALLBACK_STATE_UNSPECIFIED),
        account_id=account,
        key=task,
        page_size=limit,
    )
    found = ask(data, lambda stub: stub.ListCallbacks(request, **CALL))
    _show(found.callbacks, as_json)


@app.command("show", epilog="For example: vitascope work callbacks show --data data CALLBACK")
def show_callback(
    data: Data, callback: Annotated[str, typer.Argument(help="Its id.")], as_json: Json = False
) -> None:
    """Show all that is known of one callback, and what it says."""
    request = admin_pb2.GetCallbackRequest(callback_id=callback)
    found = ask(data, lambda stub: stub.GetCallback(request, **CALL))
    facts = callback_told(found.callback) | {"body": found.body.decode()}
    if as_json:
        print_json(facts)
    else:
        Console().print(facts_table(facts))


@app.command("retry", epilog="For example: vitascope work callbacks retry --data data CALLBACK")
def retry(
    data: Data,
    callbacks: Annotated[list[str], typer.Argument(help="Their ids.")],
    as_json: Json = False,
) -> None:
    """Try callbacks at once, and for another day, that wait or were given up."""
    request = admin_pb2.RetryCallbacksRequest(callback_ids=callbacks)
    found = ask(data, lambda stub: stub.RetryCallbacks(request, **CALL))
    _show(found.callbacks, as_json)
    unknown = set(callbacks) - {each.callback_id for each in found.callbacks}
    if unknown:
        typer.echo(f"unknown or expired: {', '.join(sorted(unknown))}", err=True)
        raise typer.Exit(1)


def _show(found: list[admin_pb2.Callback], as_json: bool) -> None:
    if as_json:
        print_json([callback_told(each) for each in found])
    else:
        Console().print(callbacks_list(found))
