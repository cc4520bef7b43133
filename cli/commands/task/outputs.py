"""Where the files of a task go: what `-o` means."""

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.kinds import Kind
from client import TasksClient
from client.downloads import Progress

HINT = "--output"

Output = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        help="Save the file here; in a folder, by its name. Of several files, NAME=PATH is one.",
        metavar="PATH",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Place:
    """Where one file goes: to a path, or into a folder under its name and what it is."""

    name: str
    path: Path
    is_folder: bool

    async def save(self, client: TasksClient, url: str, progress: Progress) -> Path:
        """Fetch the file; returns its path."""
        target = self.path / self.name if self.is_folder else self.path
        media_type = await client.download(url, target, progress)
        suffix = mimetypes.guess_extension(media_type) or ""
        return target.rename(f"{target}{suffix}") if self.is_folder else target


def places(kind: Kind, wanted: Sequence[str]) -> tuple[Place, ...]:
    """Return where the files go that are wanted, and make the folders.

    Raises typer.BadParameter for what the kind does not make, or where nothing can go.
    """
    names = [each.name for each in kind.files]
    if wanted and not names:
        raise typer.BadParameter(f"{kind.name} makes no files", param_hint=HINT)
    found = {place.name: place for each in wanted for place in _places(kind, names, each)}
    for place in found.values():
        folder = place.path if place.is_folder else place.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise typer.BadParameter(f"{folder}: {error.strerror}", param_hint=HINT) from error
    return tuple(found.values())


def _places(kind: Kind, names: Sequence[str], wanted: str) -> Iterator[Place]:
    name, equals, path = wanted.partition("=")
    if equals and name in names:
        yield Place(name, Path(path), _is_folder(path))
    elif _is_folder(wanted):
        yield from (Place(each, Path(wanted), True) for each in names)
    elif len(names) == 1:
        yield Place(names[0], Path(wanted), False)
    else:
        several = f"{kind.name} makes {', '.join(names)}: name a folder, or say {names[0]}=PATH"
        raise typer.BadParameter(several, param_hint=HINT)


def urls(places: Sequence[Place], result: Mapping[str, Any]) -> dict[Place, str]:
    """Return the URL of each file that is wanted and that the task made.

    Exits with 1 when it did not make one that was named.
    """
    missing = [each.name for each in places if not each.is_folder and not result.get(each.name)]
    if missing:
        typer.echo(f"the task made no {', '.join(missing)}", err=True)
        raise typer.Exit(1)
    return {each: result[each.name] for each in places if result.get(each.name)}


def _is_folder(path: str) -> bool:
    return path.endswith("/") or Path(path).is_dir()
