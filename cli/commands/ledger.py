"""What the commands about the ledger share: one question to it, and how it is asked."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.admin import CALL_SECONDS, admin_stub
from cli.commands.asking import refusals_told
from cli.home import Home
from vitascope.work.v1.admin_pb2_grpc import WorkAdminServiceStub

if TYPE_CHECKING:
    from vitascope.work.v1.admin_pb2_grpc import WorkAdminServiceAsyncStub

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

# A service that was only just started takes a while to answer.
CALL: Mapping[str, Any] = {"timeout": CALL_SECONDS, "wait_for_ready": True}


def ask(data: Path, question: Callable[["WorkAdminServiceAsyncStub"], Any]) -> Any:
    """Return the ledger's answer; exits with 1 and says why when it refuses."""

    async def asked() -> Any:
        async with admin_stub(Home(data), "tasks", WorkAdminServiceStub) as stub:
            return await question(stub)

    with refusals_told():
        return asyncio.run(asked())
