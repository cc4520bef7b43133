"""JSON to messages and back, against protobuf's own mapping where the rules coincide."""

import json
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import jsontext
from gateway.codec import Codec
from gateway.problems import Refusal
from gateway.reading import Reader
from gateway.surfaces.tasks import TASKS
from gateway.surfaces.video import VIDEO
from tests.gateway.lab import message
from vitascope.tasks.v2.tasks_pb2 import CreateRequest

Sample, Child = message("Sample"), message("Child")
CODECS = {"video": Codec(VIDEO), "tasks": Codec(TASKS)}
READERS = {name: codec.body_reader(Sample.DESCRIPTOR, "*") for name, codec in CODECS.items()}
WRITERS = {name: codec.writer(Sample.DESCRIPTOR, "") for name, codec in CODECS.items()}

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SHORT = st.floats(allow_nan=False, allow_infinity=False, width=32)
JSON = st.recursive(
    st.none() | st.booleans() | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
SAMPLES = st.fixed_dictionaries(
    {},
    optional={
        "text": TEXT,
        "whole": st.integers(-(2**31), 2**31 - 1),
        "long_whole": st.integers(-(2**63), 2**63 - 1),
        "unsigned": st.integers(0, 2**64 - 1),
        "real": FINITE,
        "short_real": SHORT,
        "flag": st.booleans(),
        "raw": st.binary(max_size=8),
        "colour": st.sampled_from([0, 1]),
        "maybe": TEXT,
        "names": st.lists(TEXT, max_size=3),
        "counts": st.dictionaries(TEXT, st.integers(-9, 9), max_size=3),
        "left": TEXT,
    },
)


def read(body: str | bytes, surface: str = "video") -> Any:
    sample = Sample()
    READERS[surface](body.encode() if isinstance(body, str) else body, sample)
    return sample


def attempt(body: str | bytes) -> tuple[Any, Refusal | None]:
    """Return what was read, or why nothing was; anything else that is raised fails the test."""
    try:
        return read(body), None
    except Refusal as refusal:
        return None, refusal


def write(sample: Any, surface: str = "video") -> Any:
    return json.loads(WRITERS[surface](sample))


def problem(body: str | bytes, surface: str = "video") -> str:
    with pytest.raises(Refusal) as caught:
        read(body, surface)
    assert caught.value.status == 400
    return caught.value.message


@given(SAMPLES, JSON, st.lists(JSON, max_size=2), st.dictionaries(TEXT, JSON, max_size=2))
def test_writes_what_protobuf_s_mapping_writes(
    fields: dict[str, Any], value: Any, items: Any, members: dict[str, Any]
) -> None:
    sample = Sample(**fields)
    json_format.ParseDict(value, sample.value)
    json_format.ParseDict(items, sample.list)
    json_format.ParseDict(members, sample.object)
    expected = json_format.MessageToDict(sample, always_print_fields_with_no_presence=True)
    for name in ("long-whole", "unsigned"):
        expected[name] = int(expected[name])
    ours = write(sample)
    assert ours.pop("nullWhenUnset") is None
    assert ours == expected


@given(SAMPLES, JSON, st.dictionaries(TEXT, JSON, max_size=2))
def test_reads_what_protobuf_s_mapping_writes(
    fields: dict[str, Any], value: Any, members: dict[str, Any]
) -> None:
    sample = Sample(**fields)
    json_format.ParseDict(value, sample.value)
    json_format.ParseDict(members, sample.object)
    assert read(json_format.MessageToJson(sample)) == sample
    assert read(json_format.MessageToJson(sample, preserving_proto_field_name=True)) == sample


@given(SAMPLES)
def test_reads_back_what_it_wrote(fields: dict[str, Any]) -> None:
    sample = Sample(**fields)
    for surface in ("video", "tasks"):
        written = write(sample, surface)
        del written["agent"]  # a header gives it, no body does
        assert read(json.dumps(written), surface) == sample


@given(st.dictionaries(st.sampled_from([*Sample.DESCRIPTOR.fields_by_camelcase_name]), JSON))
@settings(max_examples=300)
def test_any_json_is_read_or_refused(fields: dict[str, Any]) -> None:
    sample, refusal = attempt(json.dumps(fields))
    if refusal is not None:
        assert refusal.status == 400
        assert refusal.violations[0].field.partition(".")[0].partition("[")[0] in fields
    else:
        assert Sample.FromString(sample.SerializeToString()) == sample


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:0eE-+.NaIntrueflsu\\ ', max_size=40))
def test_any_bytes_are_read_or_refused(body: bytes | str) -> None:
    _, refusal = attempt(body)
    assert refusal is None or refusal.status == 400


@pytest.mark.parametrize(
    ("body", "place", "expected"),
    [
        ('{"whole": "x"}', "whole", "whole number"),
        ('{"whole": 1.5}', "whole", "whole number"),
        ('{"whole": true}', "whole", "whole number"),
        ('{"whole": 2147483648}', "whole", "2147483647"),
        ('{"unsigned": -1}', "unsigned", "from 0"),
        ('{"long-whole": "9223372036854775808"}', "long-whole", "whole number"),
        ('{"text": 5}', "text", "string"),
        ('{"text": "a\\u0000b"}', "text", "U+0000"),
        ('{"text": "\\ud800"}', "text", "surrogate"),
        ('{"flag": "true"}', "flag", "true or false"),
        ('{"real": "1"}', "real", "number"),
        ('{"shortReal": 1e39}', "shortReal", "too large"),
        ('{"raw": "%%%"}', "raw", "base64"),
        ('{"colour": "COLOUR_BLUE"}', "colour", "COLOUR_RED"),
        ('{"colour": 7}', "colour", "one of"),
        ('{"names": "a"}', "names", "list"),
        ('{"names": ["a", null]}', "names[1]", "string"),
        ('{"child": []}', "child", "object"),
        ('{"child": {"inner": {"size": "a"}}}', "child.inner.size", "whole number"),
        ('{"children": [{}, {"size": []}]}', "children[1].size", "whole number"),
        ('{"counts": {"a": "b"}}', "counts.a", "whole number"),
        ('{"byNumber": {"x": {}}}', "byNumber.x", "whole number"),
        ('{"time": "yesterday"}', "time", "ISO 8601"),
        ('{"time": 5}', "time", "ISO 8601"),
        ('{"wait": "5"}', "wait", "1.5s"),
        ('{"object": []}', "object", "object"),
        ('{"object": {"a": [1e400]}}', "", "too large"),
        ('{"object": {"a": [%s]}}' % ("1" + "0" * 400), "object.a[0]", "too large"),
        ('{"left": "a", "right": {}}', "right", "together with left"),
        ('{"longWhole": 1}', "longWhole", "not known"),
        ('{"maybe": "a", "maybe": "b"}', "", "twice"),
        ('{"long_whole": 1, "long-whole": 2}', "long-whole", "twice"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(body: str, place: str, expected: str) -> None:
    message = problem(body)
    assert message.startswith(place)
    assert expected in message


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nul",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"real": NaN}',
        b'{"real": Infinity}',
        b'{"a": 1' + b"0" * 5000 + b"}",
        b"[" * 100_000,
        b'{"value": ' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"value":' * 50 + b"1" + b"}" * 50,
    ],
)
def test_what_is_no_proper_json_is_refused(body: bytes) -> None:
    assert problem(body)


def test_the_deepest_json_that_is_taken_survives_the_wire() -> None:
    levels = jsontext.MAX_DEPTH - 1
    sample = read('{"value": ' + '{"a":' * levels + "1" + "}" * levels + "}")
    assert Sample.FromString(sample.SerializeToString()) == sample


@pytest.mark.parametrize("body", ["[]", "5", '"x"', "null"])
def test_a_body_is_an_object(body: str) -> None:
    assert problem(body) == "body must be an object"


def test_an_empty_body_is_an_empty_object() -> None:
    assert read("") == Sample()
    assert read(" \n") == Sample()


def test_null_is_absent_but_for_a_value() -> None:
    sample = read('{"text": null, "names": null, "child": null, "counts": null, "value": null}')
    assert not sample.HasField("child")
    assert sample.value.HasField("null_value")
    assert write(sample)["value"] is None


def test_one_bare_element_stands_for_a_list_where_allowed() -> None:
    assert read('{"children": {"size": 3}}') == Sample(children=[Child(size=3)])


def test_numbers_are_taken_as_javascript_writes_them() -> None:
    sample = read('{"long-whole": "-5", "whole": 3.0, "real": 2, "unsigned": 18446744073709551615}')
    assert (sample.long_whole, sample.whole, sample.real) == (-5, 3, 2.0)
    assert write(sample)["unsigned"] == 2**64 - 1


def test_unknown_keys_are_refused_or_ignored_by_surface() -> None:
    assert problem('{"colr": 1}') == "colr is not known here"
    assert read('{"colr": 1}', "tasks") == Sample()


def test_keys_of_a_flattened_struct_stand_beside_the_message_s_own() -> None:
    body = '{"child": {"size": 2, "width": 5, "rest": [null], "inner": {"x": "y"}}}'
    for surface in ("video", "tasks"):
        child = read(body, surface).child
        assert child.size == 2
        assert json_format.MessageToDict(child.rest) == {"width": 5, "rest": [None]}
        written = write(Sample(child=child), surface)["child"]
        assert written == {"width": 5, "rest": [None], "inner": {"x": "y", "size": 0}, "size": 2}


def test_what_does_not_fit_stands_among_the_parameters_of_a_task() -> None:
    """A definition is wrong then, and its neighbours are none the worse."""
    definition = {
        "task_name": ["x"],
        "task_store": {"type": "volatile"},
        "url_callback": {"a": 1},
        "url_errback": None,
        "width": 5,
    }
    request = CreateRequest()
    reader = Reader(refuses_unknown=False).message(CreateRequest.DESCRIPTOR)
    reader({"tasks": [definition, {"task_name": "image.info", "task_store": 5}]}, request)
    first, second = request.tasks
    misfits = {"task_name": ["x"], "url_callback": {"a": 1}, "width": 5}
    assert json_format.MessageToDict(first.parameters) == misfits
    assert (first.task_name, first.task_store["type"], first.url_callback) == ("", "volatile", "")
    assert json_format.MessageToDict(second.parameters) == {"task_store": 5}
    assert second.task_name == "image.info"
    assert not second.HasField("task_store")


def test_presence() -> None:
    empty = write(Sample())
    assert empty["text"] == ""
    assert empty["names"] == []
    assert empty["counts"] == {}
    assert empty["colour"] == "COLOUR_UNSPECIFIED"
    assert empty["nullWhenUnset"] is None
    assert not empty.keys() & {"maybe", "child", "time", "value", "left"}
    assert write(Sample(maybe="", null_when_unset=""))["maybe"] == ""


def test_maps_of_messages() -> None:
    sample = read('{"byNumber": {"3": {"size": 1}}}')
    assert sample.by_number[3].size == 1
    assert write(sample)["byNumber"] == {"3": {"size": 1}}


def test_times_have_the_form_of_their_surface() -> None:
    sample = read('{"time": "2026-11-22T06:11:19.5+01:00", "wait": "1.5s"}')
    assert write(sample)["time"] == "2026-11-22 05:11:19"
    assert write(sample, "tasks")["time"] == "2026-11-22T05:11:19.500000+00:00"
    assert write(sample)["wait"] == "1.500s"
    assert read('{"time": "2026-11-22 05:11:19"}').time.seconds == sample.time.seconds


def test_numbers_that_are_none_are_written_as_json_can() -> None:
    sample = Sample(real=float("nan"), short_real=float("-inf"))
    sample.value.number_value = float("inf")
    written = write(sample)
    assert (written["real"], written["shortReal"], written["value"]) == ("NaN", "-Infinity", None)
