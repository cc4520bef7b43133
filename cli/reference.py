"""The reference of the kinds of tasks, made from their descriptors: JSON, Markdown, and tables."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from cli.kinds import Kind, Parameter, Value

NOT_YET = "Not available yet."


def as_json(kind: Kind) -> dict[str, Any]:
    """Return all that is known of a kind, for programs."""
    return {
        "task_name": kind.name,
        "about": kind.about,
        "available": kind.available,
        "parameters": [_parameter_json(each) for each in kind.parameters],
        "either": [list(names) for names in kind.either],
        "values": [vars(each) for each in kind.values],
        "files": [vars(each) for each in kind.files],
    }


def overview(kinds: Sequence[Kind]) -> Table:
    """Return all kinds, one a line."""
    table = _table("kind", "does", "files")
    for kind in kinds:
        files = ", ".join(each.name for each in kind.files)
        mark = "" if kind.available else " *"
        table.add_row(f"{kind.name}{mark}", escape(kind.about), files)
    if not all(kind.available for kind in kinds):
        table.caption, table.caption_justify = f"* {NOT_YET}", "left"
    return table


def tables(kind: Kind) -> Iterator[Table]:
    """Yield the parameters of a kind, its result values and its files, one a line."""
    yield _filled(
        ("parameter", "type", "default", "meaning"),
        ((each.name, type_of(each), default_of(each), meaning(each)) for each in kind.parameters),
    )
    for title, values in (("value", kind.values), ("file", kind.files)):
        if values:
            yield _filled((title, "type", "meaning"), map(_row, values))


def markdown(kinds: Iterable[Kind]) -> str:
    """Return the reference of all kinds as a Markdown document."""
    chapters = "\n\n".join(_chapter(kind) for kind in kinds)
    return f"{_HEAD}\n{chapters}"


def meaning(parameter: Parameter) -> str:
    """Return what a parameter is, and what is checked of it beside its type."""
    said = [parameter.about, parameter.rules]
    # Of choices the range is theirs.
    if parameter.choices:
        said.append(f"One of {', '.join(parameter.choices)}.")
    elif parameter.minimum is not None and parameter.maximum is not None:
        said.append(f"From {parameter.minimum} to {parameter.maximum}.")
    elif parameter.minimum is not None:
        said.append(f"At least {parameter.minimum}.")
    return " ".join(filter(None, said))


def type_of(parameter: Parameter) -> str:
    """Return the type as people write it."""
    return f"list of {parameter.type}s" if parameter.many else parameter.type


def default_of(parameter: Parameter) -> str:
    """Return the default as JSON has it, `required`, or nothing."""
    if parameter.required:
        return "required"
    match parameter.default:
        case None:
            return ""
        case bool():
            return str(parameter.default).lower()
        case _:
            return str(parameter.default)


def either_of(kind: Kind) -> str:
    """Return which sets of parameters must be given, as a sentence; empty for most kinds."""
    sets = "; or ".join(", ".join(names) for names in kind.either)
    return f"One of these sets must be given: {sets}." if sets else ""


def _chapter(kind: Kind) -> str:
    said = " ".join(filter(None, (kind.about, either_of(kind), "" if kind.available else NOT_YET)))
    rows = [(f"`{p.name}`", type_of(p), _code(default_of(p)), meaning(p)) for p in kind.parameters]
    parts = [f"## {kind.name}\n{said}", _grid(("parameter", "type", "default", "meaning"), rows)]
    for title, values in (("value", kind.values), ("file", kind.files)):
        if values:
            named = [(f"`{each.name}`", each.type, each.about) for each in values]
            parts.append(_grid((title, "type", "meaning"), named))
    return "\n\n".join(parts)


def _code(default: str) -> str:
    return f"`{default}`" if default not in ("", "required") else default


def _grid(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    lines = [f"| {' | '.join(row)} |" for row in (columns, *escaped)]
    lines.insert(1, f"|{'---|' * len(columns)}")
    return "\n".join(lines)


def _row(value: Value) -> tuple[str, ...]:
    return value.name, value.type, value.about


def _parameter_json(parameter: Parameter) -> dict[str, Any]:
    known = {**vars(parameter), "type": type_of(parameter)}
    del known["many"]
    return known


def _filled(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    table = _table(*columns)
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold")
    for index, name in enumerate(columns):
        table.add_column(name, overflow="fold", no_wrap=index == 0)
    return table


_HEAD = """\
# Tasks reference
Every kind of task, made from its descriptor by `vitascope task list --markdown`: what it may be
told, the values in its `result`, and the files that it makes, of which `result` has the URLs.
Parameters stand beside `task_name` in a task; `task_store`, `url_callback`, `url_errback` and
`task_metas` may stand beside them for every kind.
"""
