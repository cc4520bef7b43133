"""Which server a command speaks to, and as whom: options, environment, or a suite's folder."""

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import typer

from cli.commands.asking import asked, entries
from cli.home import Home, rest_scheme
from client import TaskError, TasksApiError, UnauthorizedError
from vitascope.accounts.v1 import admin_pb2 as admin
from vitascope.accounts.v1 import internal_pb2 as internal

PANEL = "Server"
LOOK_SECONDS = 10.0

Server = Annotated[
    str,
    typer.Option(
        help="Address, such as http://127.0.0.1:8080.",
        envvar="VITASCOPE_URL",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
Secret = Annotated[
    str,
    typer.Option(
        help="Secret key, as `keys add` printed it.",
        envvar="VITASCOPE_SECRET",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
DataOfTask = Annotated[
    Path | None,
    typer.Option(
        help="Folder of a suite on this machine, instead of --server and --secret.",
        file_okay=False,
        resolve_path=True,
        rich_help_panel=PANEL,
    ),
]
EmailOfTask = Annotated[
    str,
    typer.Option(
        help="With --data: the user to do it as, if there are several.",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]


def address(server: str, data: Path | None) -> str:
    """Return the address of the server that is meant; exits with 1 when nobody answers there."""
    url = server or _address_of(data)
    try:
        httpx.get(f"{url}/healthz", timeout=LOOK_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _stop(f"nobody answers at {url} ({error}); is that the address?") from error
    return url


def secret_of(secret: str, data: Path | None, email: str) -> str:
    """Return the secret to create tasks with; exits with 1 and says what to do if there is none.

    For a suite's folder one is made on first use, and kept there for its owner.
    """
    if secret:
        return secret
    if data is None:
        raise _stop(
            "no secret: give --secret or VITASCOPE_SECRET (vitascope keys add prints one), "
            "or --data for a suite on this machine"
        )
    kept = data / "task-secrets.json"
    secrets: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
    email = email or (next(iter(secrets)) if len(secrets) == 1 else _only_user(data))
    if email not in secrets:
        made = asyncio.run(asked(data, lambda stub: stub.AddKeys, _keys_for(email)))
        secrets[email] = made.secret
        _keep(kept, secrets)
    return secrets[email]


@contextmanager
def failures_told() -> Iterator[None]:
    """Say why something failed and exit with 1."""
    try:
        yield
    except TaskError as error:
        for name, problems in error.parameters.items():
            typer.echo(f"{name}: {', '.join(problems)}", err=True)
        if not error.parameters:
            typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    except UnauthorizedError as error:
        typer.echo(f"the server refuses, by the secret that it was given: {error}", err=True)
        raise typer.Exit(1) from error
    except TasksApiError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        typer.echo(f"cannot write: {error}", err=True)
        raise typer.Exit(1) from error


def _address_of(data: Path | None) -> str:
    if data is None:
        raise _stop(
            "no server: give --server or VITASCOPE_URL, or --data for a suite on this machine"
        )
    running = Home(data).running_addresses() if (data / "run").is_dir() else None
    if running is None:
        raise _stop(f"no suite runs in {data}; start it: vitascope up --data {data}")
    host, _, port = running["http"].rpartition(":")
    host = "127.0.0.1" if host in ("", "0.0.0.0") else host  # noqa: S104 - an address we compare
    return f"{rest_scheme()}://{host}:{port}"


def _only_user(data: Path) -> str:
    users = asyncio.run(entries(data, lambda stub: stub.ListUsers, admin.ListUsersRequest()))
    emails = [str(user.email) for user in users]
    if not emails:
        raise _stop(
            f"the suite has no user yet; add one: vitascope users add --data {data} "
            "--email YOU@EXAMPLE.ORG --password ..."
        )
    if len(emails) > 1:
        raise _stop(f"the suite has several users; name one with --email: {', '.join(emails)}")
    return emails[0]


def _keys_for(email: str) -> internal.AddKeysRequest:
    return internal.AddKeysRequest(email=email)


def _keep(path: Path, secrets: dict[str, str]) -> None:
    # Readable by the owner only from the beginning, and never half a file.
    descriptor, fresh = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        json.dump(secrets, file)
    Path(fresh).replace(path)


def _stop(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(1)
