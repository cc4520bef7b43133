"""The path template language."""

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.templates import Template, TemplateError, Variable, parse

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)


@st.composite
def templates(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A template and the names of its variables."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    parts, variables = [], []
    for name in names:
        kind = draw(st.sampled_from(["literal", "*", "variable", "pattern"]))
        variables += [name] if kind in ("variable", "pattern") else []
        parts.append(
            {"literal": name, "*": "*", "variable": f"{{{name}}}", "pattern": f"{{{name}=a/*/b}}"}[
                kind
            ]
        )
    verb = draw(st.sampled_from(["", ":cancel"]))
    return "/" + "/".join(parts) + verb, variables


@given(templates())
def test_what_is_written_is_read(case: tuple[str, list[str]]) -> None:
    text, variables = case
    template = parse(text)
    assert [variable.path for variable in template.variables] == [(name,) for name in variables]
    assert template.verb == ("cancel" if text.endswith(":cancel") else None)


@given(st.text(alphabet="/{}*=:.ab%", max_size=20))
def test_any_text_is_a_template_or_a_template_error(text: str) -> None:
    with suppress(TemplateError):
        template = parse(text)
        assert isinstance(template, Template)
        assert all(template.segments)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "/",
        "/a/",
        "//a",
        "/{a",
        "/a}",
        "/{a=}",
        "/{a={b}}",
        "/**/a",
        "/{a=**}/b",
        "/a:",
        "/{a}/{a}",
    ],
)
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        parse(text)


def test_a_variable_can_span_segments_and_take_the_rest() -> None:
    template = parse("/v1/{a.b=x/*/y}/{rest=**}:go")
    assert template.segments == ("v1", "x", "*", "y", "**")
    assert template.variables == (Variable(("a", "b"), 1, 4), Variable(("rest",), 4, None))
    assert template.variables[0].value(["v1", "x", "1%2F2", "y", "q"]) == "x/1%2F2/y"


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_values_are_unquoted(parts: list[str]) -> None:
    parts = [part.encode("utf-8", "replace").decode() for part in parts]
    one = parse("/{a}").variables[0]
    assert one.value([quote(parts[0], safe="")]) == parts[0]
    rest = parse("/{a=**}").variables[0]
    expected = "/".join(part.replace("/", "%2F") for part in parts)
    assert rest.value([quote(part, safe="") for part in parts]) == expected


def test_bytes_that_are_no_utf8_are_told() -> None:
    with pytest.raises(UnicodeDecodeError):
        parse("/{a}").variables[0].value(["%ff"])
