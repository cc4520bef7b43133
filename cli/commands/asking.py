"""What the commands share: their options, one question to the suite, and its answer as JSON."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from cli.admin import CALL_SECONDS, admin_stub
from cli.home import Home
from services.chassis.errors import VitascopeError
from vitascope.accounts.v1.internal_pb2_grpc import AdminServiceStub

if TYPE_CHECKING:
    from vitascope.accounts.v1.internal_pb2_grpc import AdminServiceAsyncStub

Data = Annotated[
    Path, typer.Option(help="Folder that the suite lives in.", file_okay=False, resolve_path=True)
]
Email = Annotated[str, typer.Option(help="Address that the user signs in with.")]
Team = Annotated[str, typer.Option(help="The team's name or id.")]

Rpc = Callable[["AdminServiceAsyncStub"], Callable[..., Awaitable[Any]]]


def show(data: Path, rpc: Rpc, request: Message) -> None:
    """Ask once and print the answer's fields; exits with 1 and says why when it is refused."""
    print_json(shown(asyncio.run(asked(data, rpc, request))))


def show_all(data: Path, rpc: Rpc, request: Any) -> None:
    """Ask for page after page and print the entries of all; exits as `show` does."""
    print_json([shown(entry) for entry in asyncio.run(entries(data, rpc, request))])


def shown(message: Message) -> dict[str, Any]:
    """Return the message's fields by their names; counts stay numbers."""
    fields = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return {name: _number(value) for name, value in fields.items()}


def print_json(answer: object) -> None:
    """Print for programs and people."""
    typer.echo(json.dumps(answer, ensure_ascii=False))


def _number(value: Any) -> Any:
    if isinstance(value, dict):
        # Protobuf's JSON writes 64-bit integers as text; of the messages here only limits nest.
        return {name: int(count) for name, count in value.items()}
    return value


async def entries(data: Path, rpc: Rpc, request: Any) -> list[Any]:
    """Ask for page after page and return the entries of all; exits as `show` does."""
    found: list[Any] = []
    while True:
        page = await asked(data, rpc, request)
        # The entries are the one repeated field of a page.
        found += next((value for field, value in page.ListFields() if field.number == 1), [])
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def asked(data: Path, rpc: Rpc, request: Message) -> Any:
    """Ask once and return the answer; exits as `show` does."""
    with refusals_told():
        async with admin_stub(Home(data), "accounts", AdminServiceStub) as admin:
            # A service that was only just started takes a while to answer.
            return await rpc(admin)(request, timeout=CALL_SECONDS, wait_for_ready=True)


@contextmanager
def refusals_told() -> Iterator[None]:
    """Say why something was refused and exit with 1."""
    try:
        yield
    except VitascopeError as error:
        for violation in error.violations:
            typer.echo(f"{violation.field}: {violation.description}", err=True)
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from error
