"""Random messages of every shape, ours and the product's, against protobuf's own JSON mapping."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st

import vitascope
from gateway.codec import Codec
from gateway.parameters import header_of, query_binder, query_leaves
from gateway.routes import files_of, routes_of
from gateway.surfaces.tasks import TASKS
from gateway.surfaces.video import VIDEO
from gateway.templates import parse
from tests.gateway.lab import message
from vitascope.options.v1 import options_pb2

CODEC, EXACT = Codec(VIDEO), Codec(TASKS)
Sample = message("Sample")
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
_INT32, _INT64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
_UINT32, _UINT64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
_FINITE = st.floats(allow_nan=False, allow_infinity=False)
# Whole numbers of free JSON are written without a point, and so zero without a sign.
_NUMBERS = _FINITE.map(lambda number: number or 0.0)
_F = FieldDescriptor
SCALARS: dict[int, st.SearchStrategy[Any]] = {
    _F.TYPE_STRING: _TEXT,
    _F.TYPE_BYTES: st.binary(max_size=5),
    _F.TYPE_BOOL: st.booleans(),
    _F.TYPE_INT32: _INT32,
    _F.TYPE_INT64: _INT64,
    _F.TYPE_UINT32: _UINT32,
    _F.TYPE_UINT64: _UINT64,
    _F.TYPE_DOUBLE: _FINITE,
    _F.TYPE_FLOAT: st.floats(allow_nan=False, allow_infinity=False, width=32),
}
JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=4,
)
# Microseconds, as far as the language's own times go.
TIMES = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
WAITS = st.integers(-(10**15), 10**15).map(lambda micros: f"{micros / 10**6:.6f}s")


WELL_KNOWN: dict[str, st.SearchStrategy[Any]] = {
    "google.protobuf.Value": JSON,
    "google.protobuf.Struct": st.dictionaries(_TEXT, JSON, max_size=2),
    "google.protobuf.ListValue": st.lists(JSON, max_size=2),
    "google.protobuf.Timestamp": TIMES,
    "google.protobuf.Duration": WAITS,
    "google.api.HttpBody": st.just({}),
}


def trees(descriptor: Descriptor, depth: int = 2) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects, in protobuf's own mapping, of any message of a type."""
    members = {}
    for field in descriptor.fields:
        special = field.GetOptions().Extensions[options_pb2.flatten] or header_of(field)
        if not special and (depth or field.message_type is None):
            members[field.name] = _values(field, depth)
    return st.fixed_dictionaries({}, optional=members).map(
        lambda tree: _one_of_each_choice(descriptor, tree)
    )


def _one_of_each_choice(descriptor: Descriptor, tree: dict[str, Any]) -> dict[str, Any]:
    taken: set[str] = set()
    kept = {}
    for name, value in tree.items():
        choice = descriptor.fields_by_name[name].containing_oneof
        if choice is None or choice.name not in taken:
            kept[name] = value
            taken |= {choice.name} if choice else set()
    return kept


def _values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        key, value = kind.fields_by_name["key"], kind.fields_by_name["value"]
        return st.dictionaries(_single(key, 0).map(_key), _single(value, depth), max_size=2)
    single = _single(field, depth)
    return st.lists(single, max_size=3) if field.is_repeated else single


def _key(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _single(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.enum_type is not None:
        return st.sampled_from([value.name for value in field.enum_type.values])
    if field.message_type is not None:
        name = field.message_type.full_name
        return WELL_KNOWN[name] if name in WELL_KNOWN else trees(field.message_type, depth - 1)
    values = SCALARS[field.type]
    return values.map(_base64) if field.type == _F.TYPE_BYTES else values


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


REQUESTS = sorted(
    {
        route.rpc.input_type.full_name: route.rpc.input_type
        for route in routes_of(files_of(vitascope))
        if route.body and not route.rpc.client_streaming
    }.items()
)


def check_reading(descriptor: Descriptor, tree: dict[str, Any]) -> None:
    theirs = json_format.ParseDict(tree, GetMessageClass(descriptor)())
    ours = GetMessageClass(descriptor)()
    read = CODEC.body_reader(descriptor, "*")
    read(json_format.MessageToJson(theirs, preserving_proto_field_name=True).encode(), ours)
    assert ours == theirs
    # The surface whose times keep their microseconds brings everything back.
    again = GetMessageClass(descriptor)()
    exact = _as_body(EXACT.writer(descriptor, "")(theirs), descriptor)
    EXACT.body_reader(descriptor, "*")(exact, again)
    assert again == theirs
    written = _as_body(CODEC.writer(descriptor, "")(theirs), descriptor)
    CODEC.body_reader(descriptor, "*")(written, GetMessageClass(descriptor)())


def _as_body(written: bytes, descriptor: Descriptor) -> bytes:
    """Leave out what a header gives: no body does."""
    headed = {field.json_name for field in descriptor.fields if header_of(field)}
    members = json.loads(written)
    return json.dumps({key: members[key] for key in members if key not in headed}).encode()


@given(trees(Sample.DESCRIPTOR))
@settings(max_examples=150)
def test_random_messages_are_read_as_protobuf_reads_them(tree: dict[str, Any]) -> None:
    check_reading(Sample.DESCRIPTOR, tree)


@pytest.mark.parametrize(("name", "descriptor"), REQUESTS, ids=[name for name, _ in REQUESTS])
def test_random_requests_of_the_product_are_read_as_protobuf_reads_them(
    name: str, descriptor: Descriptor
) -> None:
    @given(trees(descriptor))
    @settings(max_examples=25, deadline=None)
    def check(tree: dict[str, Any]) -> None:
        check_reading(descriptor, tree)

    check()
    assert name


LEAVES = query_leaves(Sample.DESCRIPTOR, parse("/x"), "")
BIND = query_binder(CODEC, Sample.DESCRIPTOR, LEAVES)
IN_QUERIES = {
    field.name
    for field in Sample.DESCRIPTOR.fields
    if field.message_type is None and field.name != "agent"
}


@given(trees(Sample.DESCRIPTOR, depth=0))
@settings(max_examples=150)
def test_random_queries_are_read_as_the_same_json_is(tree: dict[str, Any]) -> None:
    tree = {name: value for name, value in tree.items() if name in IN_QUERIES}
    pairs = [
        (name, _key(each) if isinstance(each, bool) else str(each))
        for name, value in tree.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    ours = Sample()
    BIND(urlencode(pairs).encode(), ours)
    assert ours == json_format.ParseDict(tree, Sample())
