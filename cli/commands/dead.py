"""`vitascope dead`: events that a service could not handle, and sending them once more."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from cli.admin import settings_of
from cli.commands.asking import Data, print_json, refusals_told
from cli.commands.tables import letters_table
from cli.home import SERVICES, Home

if TYPE_CHECKING:
    from services.chassis.deadletters import DeadLetter

app = typer.Typer(
    no_args_is_help=True,
    help="Events that a service could not handle, and sending them once more.",
    epilog="For example: vitascope dead list --data data, then, once the cause is mended, "
    "vitascope dead replay --data data vitascope.media.v1 0/7.",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list", epilog="For example: vitascope dead list --data data --json")
def list_letters(
    data: Data,
    topic: Annotated[
        str, typer.Option(help="Only those of this topic, such as vitascope.media.v1.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Show dead letters: where they lie, which service could not handle them, and why."""
    found = _read(data, topic)
    if as_json:
        print_json([_told(letter) for letter in found])
    else:
        Console().print(letters_table(found))


@app.command(
    "replay",
    epilog="For example: vitascope dead replay --data data vitascope.media.v1 0/7 0/9, or "
    "vitascope dead replay --data data vitascope.media.v1 --all.",
)
def replay_letters(
    topic: Annotated[str, typer.Argument(help="The topic that they came from.")],
    data: Data,
    places: Annotated[
        list[str] | None,
        typer.Argument(help="Where they lie, as `dead list` shows it: PARTITION/OFFSET."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that were not sent yet.")] = False,
    again: Annotated[bool, typer.Option(help="Also those that were sent again before.")] = False,
    as_json: Json = False,
) -> None:
    """Send dead letters once more to the topic that they came from.

    Services that handled them drop them; the one that could not handles them now. Those that
    were sent again before are left out.
    """
    if bool(places) == everything:
        raise typer.BadParameter("name places, or say --all")
    known = {letter.place: letter for letter in _read(data, topic)}
    if unknown := sorted(set(places or ()) - known.keys()):
        typer.echo(f"no dead letter of {topic} lies at {', '.join(unknown)}", err=True)
        raise typer.Exit(1)
    chosen = [known[place] for place in dict.fromkeys(places or known)]
    sent = [letter for letter in chosen if again or not letter.replayed]
    # Kafka's client and the database's take as long to load as all else of a command.
    from services.chassis.deadletters import replay

    with refusals_told():
        asyncio.run(replay(_servers(data), sent))
    _say_replayed(sent, [letter for letter in chosen if letter not in sent], as_json)


def _say_replayed(
    sent: Sequence["DeadLetter"], left_out: Sequence["DeadLetter"], as_json: bool
) -> None:
    places, before = [each.place for each in sent], [each.place for each in left_out]
    if as_json:
        print_json({"replayed": places, "replayed_before": before})
        return
    typer.echo(f"sent again: {', '.join(places) or 'nothing'}")
    if before:
        typer.echo(f"sent again before, left out: {', '.join(before)} (--again sends them too)")


def _read(data: Path, topic: str) -> list["DeadLetter"]:
    from services.chassis.deadletters import dead_letters

    with refusals_told():
        return asyncio.run(dead_letters(_servers(data), topic))


def _servers(data: Path) -> str:
    """Return the brokers that the environment names, or that of the suite in the folder."""
    home = Home(data)
    home.prepare()
    addresses = home.running_addresses()
    if addresses is None and "VITASCOPE_KAFKA_SERVERS" not in os.environ:
        typer.echo(f"no suite runs in {data}, and VITASCOPE_KAFKA_SERVERS is not set", err=True)
        raise typer.Exit(1)
    return settings_of(home, addresses or dict.fromkeys(SERVICES, "")).kafka_servers


def _told(letter: "DeadLetter") -> dict[str, Any]:
    return {
        "topic": letter.topic,
        "place": letter.place,
        "partition": letter.partition,
        "offset": letter.offset,
        "died_at": letter.died_at.isoformat(),
        "group": letter.group,
        "error": letter.error,
        "key": (letter.key or b"").decode(errors="replace"),
        "type": letter.type,
        "event_id": letter.event_id,
        "replayed": letter.replayed,
    }
