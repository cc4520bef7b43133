"""The references of both versions as rows: what each kind takes and gives, as the documents say.

`v1.tsv` and `v2.tsv` are such rows, read from the documents once. Where the documents lie beside
the repository, a test reads them again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
TASK = re.compile(r"(?:\d+\.\d+ )?((?:audio|html|image|video)\.[a-z.]+)")
GROUPS = {"Parameters": "parameter", "Output Values": "value", "Output Files": "file"}
ITEM = re.compile(r"(?:• )?([a-z0-9_]+) (?:\(([A-Za-z ]+)\) )?–(.*)")
CHOICES = re.compile(r"\(choices: (.*?) ?\)")
DEFAULT = re.compile(r"(?:\(default: |The default value is )(.*?) ?[),]")
QUOTES = str.maketrans("‘’", "''")


@dataclass(frozen=True, order=True)
class Row:
    """A parameter, an output value or an output file of a kind, all as text.

    The documents do not say what is required; `required` is our reading of them.
    """

    kind: str
    group: str
    name: str
    type: str
    default: str = ""
    choices: str = ""
    required: str = ""


def table(version: str) -> list[Row]:
    """Return the committed rows of a version, `v1` or `v2`."""
    lines = (HERE / f"{version}.tsv").read_text().splitlines()
    return [Row(*line.split("\t")) for line in lines[1:]]


def rows_of(document: str) -> list[Row]:
    """Return the rows of a reference as text, without what nobody says there: `required`."""
    reference = document.translate(QUOTES).partition("Tasks Reference (v")[2]
    found = []
    for kind, group, text in _items(reference):
        item = ITEM.match(text)
        if item is None or item[1] in ("url_callback", "url_errback"):
            continue
        rest = item[3]
        default, choices = DEFAULT.search(rest), CHOICES.search(rest)
        found.append(
            Row(
                kind,
                group,
                item[1],
                item[2] or "",
                _value(default[1]) if default else "",
                "|".join(map(_value, choices[1].split(","))) if choices else "",
            )
        )
    return sorted(found)


def _items(reference: str) -> Iterator[tuple[str, str, str]]:
    """Yield kind, group and the text of each item, its lines joined."""
    kind = group = text = ""
    for line in map(str.strip, reference.splitlines()):
        heading = line.rstrip(":")
        if task := TASK.fullmatch(line):
            yield kind, group, text
            kind, group, text = task[1], "", ""
        elif heading in GROUPS or any(heading.startswith(f"{name}:") for name in GROUPS):
            yield kind, group, text
            name, _, rest = line.partition(":")
            group, text = GROUPS[name], rest.strip()
        elif ITEM.match(line) or line.startswith("•"):
            yield kind, group, text
            text = line
        elif line.startswith(("CHAPTER", "Indices", "Stupeflix Tasks API")):
            yield kind, group, text
            text = ""
        else:
            text = f"{text} {line}".strip()
    yield kind, group, text


def _value(text: str) -> str:
    """Return a Python literal of the documents as JSON has it."""
    plain = text.strip().removeprefix("u").strip("'")
    return {"True": "true", "False": "false"}.get(plain, plain)
