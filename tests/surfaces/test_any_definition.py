"""Whatever a definition holds, the suite keeps its feet and its neighbours in the batch succeed."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.kit.clips import CLIPS
from tests.kit.suite import Suite
from tests.kit.web import served
from tests.surfaces.conftest import Person
from vitascope.options.v1 import options_pb2
from vitascope.tasks.v2 import specs_pb2

SPECS = {
    spec.GetOptions().Extensions[options_pb2.task].name: [field.name for field in spec.fields]
    for spec in specs_pb2.DESCRIPTOR.message_types_by_name.values()
    if spec.GetOptions().Extensions[options_pb2.task].name
}
OTHER_KEYS = ("task_name", "task_store", "url_callback", "url_errback", "task_metas", "secret", "")
EVIL = ("\0", "a\0b", "\ud800", "\udfff\ud800", "\u202e", "9" * 5000, "%", "'; --", "{{7*7}}", "..")
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.just(1e308)
TEXTS = st.text(max_size=50) | st.sampled_from(EVIL)
WORDS = st.text(max_size=50)
LEAVES: SearchStrategy[Any] = st.none() | st.booleans() | NUMBERS | TEXTS
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
FUZZ = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """An object that is more or less a definition."""
    names = sorted(SPECS)
    kind = draw(st.sampled_from([*names, *names, "", "image.levitate"]) | JSON)
    known = SPECS.get(kind, []) if isinstance(kind, str) else []
    keys = st.sampled_from([*known, *known, *OTHER_KEYS]) | TEXTS
    return {**draw(st.dictionaries(keys, JSON, max_size=6)), "task_name": kind}


@pytest.fixture(scope="module")
def good(suite: Suite) -> Iterator[dict[str, Any]]:
    with served(CLIPS) as source:
        yield {"task_name": "image.info", "url": f"{source}/bunny_sideways.jpg"}


@pytest.fixture(scope="module")
def client(suite: Suite, ada: Person) -> Iterator[httpx.Client]:
    secret = suite.run("keys", "add", "--email", ada.email)["secret"]
    headers = {"Authorization": f"Secret {secret}"}
    with httpx.Client(base_url=suite.url, headers=headers, timeout=60) as client:
        yield client


@pytest.mark.parametrize("version", ["v1", "v2"])
@given(wrong=definitions())
@FUZZ
def test_a_neighbour_always_succeeds(
    client: httpx.Client, good: dict[str, Any], version: str, wrong: dict[str, Any]
) -> None:
    body = json.dumps({"tasks": [good, wrong, good]}).encode()
    answer = client.post(f"/{version}/create", content=body)
    assert answer.status_code == 200, answer.text
    first, fuzzed, last = answer.json()
    assert fuzzed["status"] in ("queued", "error", "executing")
    neighbours = {"tasks": [first["key"], last["key"]], "block": True}
    statuses = client.post(f"/{version}/status", json=neighbours).json()
    assert [each["status"] for each in statuses] == ["success", "success"]
    details = {"tasks": fuzzed["key"], "details": "true"}
    [told] = client.get(f"/{version}/status", params=details).json()
    assert told["key"] == fuzzed["key"]


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    "method", ["create", "create_stream", "create_file", "status", "status_stream"]
)
@given(body=JSON | st.fixed_dictionaries({}, optional={"tasks": JSON, "task": JSON, "block": JSON}))
@FUZZ
def test_no_body_breaks_anything(
    client: httpx.Client, version: str, method: str, body: object
) -> None:
    answer = client.post(f"/{version}/{method}", content=json.dumps(body).encode())
    assert answer.status_code in (200, 302, 400, 401, 404), answer.text


@pytest.mark.parametrize("version", ["v1", "v2"])
@given(kind=st.sampled_from(sorted(SPECS)), query=st.dictionaries(WORDS, WORDS, max_size=5))
@FUZZ
def test_no_query_breaks_anything(
    client: httpx.Client, version: str, kind: str, query: dict[str, str]
) -> None:
    asked = {"task_name": kind, **query}
    answer = client.get(f"/{version}/create_file/x", params=asked)
    assert answer.status_code in (302, 400, 401, 404), answer.text
