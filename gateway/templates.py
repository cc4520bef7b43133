"""The path template language of `google.api.http`.

Template = "/" Segments [ ":" Verb ]
Segments = Segment { "/" Segment }
Segment  = "*" | "**" | LITERAL | "{" FieldPath [ "=" Segments ] "}"
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

ONE = "*"
REST = "**"

_SEGMENT = re.compile(r"\{(?P<path>[A-Za-z_][\w.]*)(?:=(?P<inner>[^{}]+))?\}|(?P<plain>[^/{}]+)")
_LITERAL = re.compile(r"[\w.~!$&'()+,;@%-]+")


class TemplateError(ValueError):
    """The text is no path template; says which text and why."""


@dataclass(frozen=True)
class Variable:
    """A field that takes the segments from `start` up to `end`; `end` is None for all the rest."""

    path: tuple[str, ...]
    start: int
    end: int | None

    def value(self, segments: Sequence[str]) -> str:
        """Return the field's text out of percent-encoded path segments.

        A slash inside of a segment stays encoded where the variable spans several, as its value
        could not be told from a separator. Raises UnicodeDecodeError for bytes that are no UTF-8.
        """
        taken = segments[self.start : self.end]
        if len(taken) == 1 and self.end is not None:
            return unquote(taken[0], errors="strict")
        return "/".join(_unquote_but_slash(segment) for segment in taken)


@dataclass(frozen=True)
class Template:
    """A compiled path template: literals, `*` and `**`, the fields they fill, and the verb."""

    text: str
    segments: tuple[str, ...]
    variables: tuple[Variable, ...]
    verb: str | None


def parse(text: str) -> Template:
    """Compile a path template. Raises TemplateError."""
    if not text.startswith("/"):
        raise TemplateError(f"{text!r} does not begin with a slash")
    path, verb = _split_verb(text)
    segments: list[str] = []
    variables: list[Variable] = []
    for match in _split_segments(path, text):
        inner = [match["plain"]] if match["plain"] else (match["inner"] or ONE).split("/")
        start = len(segments)
        segments += inner
        if match["path"]:
            end = None if REST in inner else len(segments)
            variables.append(Variable(tuple(match["path"].split(".")), start, end))
    _check(text, segments, variables)
    return Template(text, tuple(segments), tuple(variables), verb)


def _split_verb(text: str) -> tuple[str, str | None]:
    tail = max(text.rfind("/"), text.rfind("}"))
    colon = text.find(":", tail)
    if colon < 0:
        return text, None
    verb = text[colon + 1 :]
    if not _LITERAL.fullmatch(verb):
        raise TemplateError(f"{text!r} has no verb after its colon")
    return text[:colon], verb


def _split_segments(path: str, text: str) -> Iterator[re.Match[str]]:
    position = 0
    while position < len(path):
        match = _SEGMENT.match(path, position + 1) if path[position] == "/" else None
        if match is None:
            raise TemplateError(f"{text!r} has no segment at {position + 1}")
        yield match
        position = match.end()


def _check(text: str, segments: Sequence[str], variables: Sequence[Variable]) -> None:
    for segment in segments:
        if segment not in (ONE, REST) and not _LITERAL.fullmatch(segment):
            raise TemplateError(f"{text!r} has the unsuitable segment {segment!r}")
    if REST in segments[:-1]:
        raise TemplateError(f"{text!r} goes on after **")
    paths = [variable.path for variable in variables]
    if len(set(paths)) != len(paths):
        raise TemplateError(f"{text!r} fills a field twice")


def _unquote_but_slash(segment: str) -> str:
    return "%2F".join(unquote(part, errors="strict") for part in re.split("%2[Ff]", segment))
