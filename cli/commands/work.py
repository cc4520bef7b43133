"""`vitascope work`: what waits, what runs, how it ended, and who does it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli.commands import callbacks
from cli.commands.asking import Data, print_json
from cli.commands.ledger import CALL, Json, ask
from cli.commands.tables import facts_table, items_list, state_of, told, workers_table
from vitascope.work.v1 import admin_pb2, work_pb2

if TYPE_CHECKING:
    from vitascope.work.v1.admin_pb2_grpc import WorkAdminServiceAsyncStub

app = typer.Typer(
    no_args_is_help=True,
    help="What waits, what runs, how it ended, and who does it.",
    epilog="For example: vitascope work list --data data --state error, "
    "then vitascope work retry --data data ITEM.",
)

app.add_typer(callbacks.app, name="callbacks")

Items = Annotated[list[str], typer.Argument(help="Ids of items, as `work list` shows them.")]
States = {state_of(number): number for number in work_pb2.State.values() if number}

PAGE = 1000


@app.command(
    "list",
    epilog="For example: vitascope work list --data data --state queued --account TEAM --limit 200",
)
def list_items(
    data: Data,
    state: Annotated[
        str, typer.Option(help=f"Only these: {', '.join(States)}.", show_default=False)
    ] = "",
    account: Annotated[str, typer.Option(help="Only this account's (a team's id).")] = "",
    kind: Annotated[str, typer.Option(help="Only this kind, such as video.process.")] = "",
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 50,
    with_parts: Annotated[
        bool, typer.Option("--parts", help="Also the parts into which items were split.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show items, newest first."""
    if state and state not in States:
        raise typer.BadParameter(f"must be one of {', '.join(States)}", param_hint="--state")
    request = admin_pb2.ListItemsRequest(
        state=States.get(state, work_pb2.STATE_UNSPECIFIED),
        account_id=account,
        kind=kind,
        with_parts=with_parts,
    )
    found = ask(data, lambda stub: _pages(stub, request, limit))
    _show_items(found, as_json)


@app.command("show", epilog="For example: vitascope work show --data data ITEM")
def show_item(
    data: Data, item: Annotated[str, typer.Argument(help="Its id.")], as_json: Json = False
) -> None:
    """Show all that is known of one item, and the parts into which it was split."""
    request = admin_pb2.GetItemRequest(item_id=item)
    found = ask(data, lambda stub: stub.GetItem(request, **CALL))
    facts = told(found)
    facts |= facts.pop("item")
    if as_json:
        print_json(facts)
        return
    del facts["parts"]
    Console().print(facts_table(facts))
    if found.parts:
        Console().print(items_list(found.parts, datetime.now(UTC)))


@app.command("cancel", epilog="For example: vitascope work cancel --data data ITEM ITEM")
def cancel(data: Data, items: Items, as_json: Json = False) -> None:
    """Call items off, waiting or running; ended ones stay as they are."""
    request = admin_pb2.CancelItemsByIdRequest(item_ids=items)
    found = ask(data, lambda stub: stub.CancelItemsById(request, **CALL))
    _show_items(found.items, as_json, asked=items)


@app.command("retry", epilog="For example: vitascope work retry --data data ITEM ITEM")
def retry(data: Data, items: Items, as_json: Json = False) -> None:
    """Queue items again that ended in an error or were called off; the others stay as they are."""
    request = admin_pb2.RetryItemsRequest(item_ids=items)
    found = ask(data, lambda stub: stub.RetryItems(request, **CALL))
    _show_items(found.items, as_json, asked=items)


@app.command("workers", epilog="For example: vitascope work workers --data data --json")
def list_workers(data: Data, as_json: Json = False) -> None:
    """Show the workers that are connected, and what they have."""
    request = admin_pb2.ListWorkersRequest()
    found = ask(data, lambda stub: stub.ListWorkers(request, **CALL))
    if as_json:
        print_json([told(each) for each in found.workers])
    else:
        Console().print(workers_table(found.workers))


@app.command(
    "drain",
    epilog="For example: vitascope work drain --data data worker-1. "
    "Whoever supervises a drained worker may start it anew, as vitascope up does.",
)
def drain(
    data: Data,
    worker: Annotated[str, typer.Argument(help="A worker's name.", show_default=False)] = "",
    everyone: Annotated[bool, typer.Option("--all", help="All workers.")] = False,
    as_json: Json = False,
) -> None:
    """Tell a worker to take no more, to finish what it runs, and to end."""
    if bool(worker) == everyone:
        raise typer.BadParameter("name a worker, or say --all")
    request = admin_pb2.DrainWorkersRequest(worker_id=worker)
    found = ask(data, lambda stub: stub.DrainWorkers(request, **CALL))
    if as_json:
        print_json(list(found.worker_ids))
    else:
        typer.echo(f"told: {', '.join(found.worker_ids) or 'no worker is connected'}")


async def _pages(
    stub: "WorkAdminServiceAsyncStub", request: admin_pb2.ListItemsRequest, limit: int
) -> list[work_pb2.Item]:
    found: list[work_pb2.Item] = []
    while True:
        request.page_size = min(limit - len(found), PAGE)
        page = await stub.ListItems(request, **CALL)
        found += page.items
        if not page.next_page_token or len(found) >= limit:
            return found
        request.page_token = page.next_page_token


def _show_items(found: Sequence[work_pb2.Item], as_json: bool, asked: Sequence[str] = ()) -> None:
    if as_json:
        print_json([told(item) for item in found])
    else:
        Console().print(items_list(found, datetime.now(UTC)))
    unknown = set(asked) - {item.item_id for item in found}
    if unknown:
        typer.echo(f"unknown or expired: {', '.join(sorted(unknown))}", err=True)
        raise typer.Exit(1)
