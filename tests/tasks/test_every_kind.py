"""Reading the parameters of every kind, by the cases of their types and rules."""

import math
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from services.tasks.api.versions import V1, V2, Version
from services.tasks.kinds import Kind
from services.tasks.parameters import Parameter
from services.tasks.specs import read_spec

EVERY = [
    pytest.param(version, kind, id=f"v{version.number}-{name}")
    for version in (V1, V2)
    for name, kind in version.kinds.items()
]
KINDS = pytest.mark.parametrize(("version", "kind"), EVERY)
VIMEO = {"consumer_key": "k", "consumer_secret": "s"}
OAUTH_1 = {**VIMEO, "access_token_key": "t", "access_token_secret": "u"}


def good(parameter: Parameter) -> Any:
    """Return a value that fits, other than the default where there is a choice."""
    if parameter.rules.choices:
        choice = parameter.rules.choices[-1]
        is_text = parameter.field.cpp_type == FieldDescriptor.CPPTYPE_STRING
        return choice if is_text else float(choice)
    match parameter.field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            text = "#12aBcD" if parameter.pattern else "http://files.example/a"
            return [text, text] if parameter.field.is_repeated else text
        case FieldDescriptor.CPPTYPE_BOOL:
            return not parameter.field.default_value
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return 0.25 if parameter.name != "end" else 1.5
        case _:
            return max(parameter.rules.minimum, 2.0)


def bad(parameter: Parameter) -> dict[str, Any]:
    """Return values that do not fit, by what is said of them."""
    rules = parameter.rules
    if parameter.field.is_repeated:
        return {
            "must be a list": "http://files.example/a",
            f"must have at most {parameter.max_items} items": ["x"] * (parameter.max_items + 1),
            "item 2 must be a string": ["x", 5.0],
            "item 1 must not be empty": [""],
        }
    wrong: dict[str, Any]
    match parameter.field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            wrong = {"must be a string": 5.0}
            if not rules.choices:
                most = parameter.max_length
                wrong[f"must have at most {most} characters"] = "x" * (most + 1)
        case FieldDescriptor.CPPTYPE_BOOL:
            wrong = {"must be true or false": "true"}
        case FieldDescriptor.CPPTYPE_DOUBLE:
            wrong = {"must be a number": math.inf}
        case _:
            wrong = {"must be an integer": 1.5}
    if rules.choices:
        wrong[f"must be one of: {', '.join(rules.choices)}"] = (
            "nothing such" if "must be a string" in wrong else 77.0
        )
    if rules.HasField("minimum"):
        wrong[f"must be at least {rules.minimum:g}"] = rules.minimum - 1
    if rules.HasField("maximum"):
        wrong[f"must be at most {rules.maximum:g}"] = rules.maximum + 1
    if parameter.pattern:
        wrong[f"must be {rules.pattern_means}"] = "mauve"
    return wrong


def needed(kind: Kind) -> dict[str, Any]:
    """Return what must be given."""
    names = {name for name, each in kind.form.parameters.items() if each.rules.required}
    if kind.form.either:
        names.update(kind.form.either[0])
    return {name: good(kind.form.parameters[name]) for name in names}


@KINDS
def test_all_parameters_together(version: Version, kind: Kind) -> None:
    given = {name: good(each) for name, each in kind.form.parameters.items()}
    spec, problems = read_spec(kind, given)
    assert problems == {}
    stored = kind.stored_spec.FromString(spec)
    assert {name: _plain(getattr(stored, name)) for name in given} == given


@KINDS
def test_what_is_not_given_has_the_version_s_default(version: Version, kind: Kind) -> None:
    spec, problems = read_spec(kind, needed(kind))
    assert problems == {}
    stored = kind.stored_spec.FromString(spec)
    known = {field.name for field, _ in stored.ListFields()}
    defaults = {
        name: each.field.default_value
        for name, each in kind.form.parameters.items()
        if each.field.has_default_value
    }
    assert known == needed(kind).keys() | defaults.keys()
    shown = {name: getattr(stored, name) for name in defaults}
    assert shown == {**defaults, **{n: v for n, v in needed(kind).items() if n in defaults}}


@KINDS
def test_every_problem_is_told_at_once(version: Version, kind: Kind) -> None:
    parameters = kind.form.parameters
    most = max(len(bad(each)) for each in parameters.values())
    for nth in range(most):
        given, expected = {}, {}
        for name, each in parameters.items():
            what, value = list(bad(each).items())[nth % len(bad(each))]
            given[name], expected[name] = value, [what]
        _, problems = read_spec(kind, {**given, "colour": "red"})
        assert problems == {**expected, "colour": ["unknown parameter"]}


@KINDS
def test_nothing_given(version: Version, kind: Kind) -> None:
    problems = read_spec(kind, {})[1]
    required = {name for name, each in kind.form.parameters.items() if each.rules.required}
    assert required <= problems.keys()
    assert problems.keys() - required <= {name for names in kind.form.either for name in names}
    assert all(problems[name] == ["this field is required"] for name in required)


@KINDS
def test_parameters_of_a_query_are_texts(version: Version, kind: Kind) -> None:
    given = {name: good(each) for name, each in kind.form.parameters.items()}
    texts = {name: _text(value) for name, value in given.items()}
    assert read_spec(kind, texts, texts=True) == read_spec(kind, given)


def _plain(value: Any) -> Any:
    is_scalar = isinstance(value, str | int | float)
    return value if is_scalar else list(value)


def _text(value: Any) -> str | list[str]:
    match value:
        case list():
            return value
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


GIF, CONVERT, WAVE = (V2.kinds[name] for name in ("image.gif", "video.convert", "audio.waveform"))
URL = "http://files.example/a"


@pytest.mark.parametrize(
    ("kind", "texts", "problem"),
    [
        (CONVERT, {"url": URL, "width": "wide"}, {"width": ["must be an integer"]}),
        (CONVERT, {"url": URL, "width": "1_0"}, {"width": ["must be an integer"]}),
        (CONVERT, {"url": URL, "width": "9" * 400}, {"width": ["must be an integer"]}),
        (CONVERT, {"url": URL, "crop": "yes"}, {"crop": ["must be true or false"]}),
        (CONVERT, {"url": [URL, URL]}, {"url": ["is given more than once"]}),
        (CONVERT, {"url": URL, "sample_rate": "5"}, {"sample_rate": None}),
        (WAVE, {"url": URL, "start": "nan"}, {"start": ["must be a number"]}),
        (WAVE, {"url": URL, "start": "1e999"}, {"start": ["must be a number"]}),
        (WAVE, {"url": URL, "start": "-1"}, {"start": ["must be at least 0"]}),
        (GIF, {"images": ""}, {"images": ["this field is required"]}),
        (GIF, {"images": [URL, ""]}, {"images": ["item 2 must not be empty"]}),
    ],
)
def test_texts_that_do_not_fit(
    kind: Kind, texts: dict[str, Any], problem: dict[str, list[str] | None]
) -> None:
    problems = read_spec(kind, texts, texts=True)[1]
    assert problems.keys() == problem.keys()
    for name, what in problem.items():
        assert what is None or problems[name] == what


def test_what_a_form_left_empty_is_not_given() -> None:
    spec, problems = read_spec(CONVERT, {"url": URL, "width": "", "crop": ""}, texts=True)
    assert problems == {}
    assert (spec, {}) == read_spec(CONVERT, {"url": URL})


def test_one_text_is_a_list_of_one() -> None:
    assert read_spec(GIF, {"images": URL}, texts=True) == read_spec(GIF, {"images": [URL]})


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"start": 2.0, "end": 1.0}, ["must be greater than start"]),
        ({"end": 0.0}, ["must be greater than start"]),
        ({"start": "x", "end": 1.0}, None),
        ({"start": 1.0, "end": 1.5}, None),
    ],
)
def test_the_end_is_after_the_start(given: dict[str, Any], problem: list[str] | None) -> None:
    assert read_spec(WAVE, {"url": URL, **given})[1].get("end") == problem


@pytest.mark.parametrize(
    ("version", "given", "missing"),
    [
        (V1, OAUTH_1, {}),
        (V2, OAUTH_1, {}),
        (V2, {"oauth2_token": "t"}, {}),
        (
            V1,
            VIMEO,
            {
                "access_token_key": ["this field is required"],
                "access_token_secret": ["this field is required"],
            },
        ),
        (
            V2,
            {},
            {
                "oauth2_token": [
                    "this field is required, unless consumer_key and consumer_secret and "
                    "access_token_key and access_token_secret are given"
                ]
            },
        ),
    ],
)
def test_one_of_the_ways_to_say_who_uploads(
    version: Version, given: dict[str, str], missing: dict[str, list[str]]
) -> None:
    kind = version.kinds["video.upload.vimeo"]
    assert read_spec(kind, {"url": URL, **given})[1] == missing


def test_what_only_version_1_takes_is_carried_and_not_known_to_version_2() -> None:
    older, newest = (version.kinds["video.reverse"] for version in (V1, V2))
    stored = newest.stored_spec.FromString(read_spec(older, {"url": URL})[0])
    assert (stored.audio_codec, stored.audio_bitrate, stored.video_bitrate) == ("aac", 64, 512)  # type: ignore[attr-defined]
    assert not stored.HasField("crf")
    problems = read_spec(newest, {"url": URL, "audio_codec": "aac"})[1]
    assert problems == {"audio_codec": ["unknown parameter"]}
    assert "audio_codec" not in newest.form.parameters
