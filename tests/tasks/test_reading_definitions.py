"""What a definition becomes: work, a place for its files, and what is shown of it."""

from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tasks.api.definitions import read_definition
from services.tasks.api.versions import V1, V2, Version
from services.tasks.model import Submission, TaskRecord
from tests.tasks.asking import URL, VERSIONS, defined
from vitascope.media.v1 import internal_pb2

BY_NAME = {"v1": V1, "v2": V2}
YOUTUBE = {"type": "youtube", "access_token": "TOKEN", "developer_key": "KEY", "title": "A film"}
S3 = {"type": "s3_signed", "url": "https://bucket.example/a.jpg?X-Amz-Signature=SIGNED"}


def _read(task_name: str, *, version: Version = V2, **given: Any) -> tuple[Submission, TaskRecord]:
    definition = defined(f"v{version.number}", task_name, **given)
    return read_definition(version, definition, "team-a", stored_bytes=5)


def _place(submission: Submission) -> dict[str, Any]:
    place = internal_pb2.Destination.FromString(submission.destination)
    options = {"preserving_proto_field_name": True}
    return json_format.MessageToDict(place, **options)  # type: ignore[arg-type]


def _account(**lifetime: str) -> dict[str, Any]:
    return {"account": {"account_id": "team-a", "stored_bytes": "5", **lifetime}}


@pytest.mark.parametrize(
    ("version", "task_name", "store", "place"),
    [
        (V1, "image.thumb", None, _account(lifetime="604800s")),
        (V2, "image.thumb", None, _account()),
        (V2, "image.thumb", {"type": None, "location": ["eu", 5]}, _account()),
        (V1, "image.thumb", {"type": "persistent"}, _account()),
        (V2, "image.info", {"type": "volatile"}, _account(lifetime="604800s")),
        (V2, "image.thumb", {"type": "dummy"}, {"dummy": {}}),
        (V2, "image.thumb", S3, {"s3_signed": {"url": S3["url"]}}),
    ],
)
def test_where_files_go(
    version: Version, task_name: str, store: dict[str, Any] | None, place: dict[str, Any]
) -> None:
    given = {} if store is None else {"task_store": store}
    submission, record = _read(task_name, version=version, url=URL, **given)
    assert record.problems is None
    assert _place(submission) == place


S3_MISSES = ["url: this field is required"]
S3_ADDRESS = ["url: must be an http or https URL"]
ONE_FILE = ["type s3_signed takes only tasks with exactly one output file"]
A_VIDEO = ["type youtube takes only tasks that make a file of type video"]
TYPES = ["type must be one of: persistent, volatile, youtube, s3_signed, dummy"]


@pytest.mark.parametrize(
    ("task_name", "store", "problems"),
    [
        ("image.thumb", {"type": "tape"}, TYPES),
        ("image.thumb", {"type": ["volatile"]}, TYPES),
        ("image.thumb", {"type": 5}, TYPES),
        ("image.thumb", {"colour": 5}, ["colour: unknown parameter"]),
        ("image.thumb", {"type": "volatile", "url": "x"}, ["url: unknown parameter"]),
        ("image.thumb", {"type": "s3_signed"}, S3_MISSES),
        ("image.thumb", {"type": "s3_signed", "url": "ftp://a.example/"}, S3_ADDRESS),
        ("image.thumb", {"type": "s3_signed", "url": "https://"}, S3_ADDRESS),
        ("image.info", S3, ONE_FILE),
        ("video.create", S3, ONE_FILE),
        ("video.upload.fb", S3, ONE_FILE),
        ("image.thumb", YOUTUBE, A_VIDEO),
        (
            "image.thumb",
            {"type": "youtube", "tags": "x", "privacy_status": "secret", "category_id": 0},
            [
                "access_token: this field is required",
                "developer_key: this field is required",
                "title: this field is required",
                "tags: must be a list",
                "category_id: must be at least 1",
                "privacy_status: must be one of: public, private, unlisted",
                *A_VIDEO,
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_store(
    task_name: str, store: dict[str, Any], problems: list[str]
) -> None:
    submission, record = _read(task_name, url=URL, task_store=store)
    assert record.problems is not None
    assert record.problems["task_store"] == problems
    assert (submission.spec, submission.destination) == (b"", b"")


def test_a_store_on_youtube() -> None:
    given = {**YOUTUBE, "tags": ["a", "b"], "category_id": 10}
    store = V2.stores["youtube"]
    assert store.refuses(V2.kinds["video.convert"].makes) is None
    assert store.refuses(V2.kinds["video.create"].makes) is None
    record = _read("video.convert", url=URL, task_store=given)[1]
    assert record.definition["task_store"] == {
        **given,
        "access_token": "***",
        "developer_key": "***",
    }
    assert "task_store" not in (record.problems or {})


@VERSIONS
def test_a_kind_that_nobody_built_yet(version: str) -> None:
    missing = [name for name, kind in BY_NAME[version].kinds.items() if kind.unavailable]
    for name in missing:
        problems = _read(name, version=BY_NAME[version])[1].problems
        assert problems is not None
        assert problems["task_name"] == [f"{name} is not available yet"]


def test_all_that_is_wrong_is_told_at_once() -> None:
    submission, record = _read(
        "image.thumb", width="wide", task_store={"type": "tape"}, url_callback="ftp://a.example/"
    )
    assert record.problems is not None
    assert record.problems.keys() == {"url", "width", "task_store", "url_callback"}
    assert submission.refusal.startswith("url: this field is required; width: must be an integer")


def test_what_is_of_another_type_than_it_must_be() -> None:
    """The gateway leaves such values among the parameters."""
    definition = defined("v2", "image.info", url=URL)
    definition.parameters.update({"task_store": "volatile", "url_callback": [], "url_errback": 5})
    record = read_definition(V2, definition, "team-a")[1]
    assert record.problems == {
        "task_store": ["must be an object"],
        "url_callback": ["must be a string"],
        "url_errback": ["must be a string"],
    }
    nameless = defined("v2", "")
    nameless.parameters.update({"task_name": {"a": 1}})
    problems = read_definition(V2, nameless, "team-a")[1].problems
    assert problems == {"task_name": ["must be a string"]}


FACEBOOK = {"access_token": "TOKEN", "app_secret": "SECRET", "api_key": "KEY", "title": "A film"}


@pytest.mark.parametrize(
    ("task_name", "given", "shown"),
    [
        (
            "video.upload.fb",
            FACEBOOK,
            {"access_token": "***", "app_secret": "***", "api_key": "***", "title": "A film"},
        ),
        # Misspelt, in a kind that does not take it, in a kind that is not there.
        ("video.upload.fb", {"acces_token": "TOKEN"}, {"acces_token": "***"}),
        ("image.thumb", {"password": "TOKEN"}, {"password": "***"}),
        ("image.levitate", {"a": {"api_key": "KEY"}}, {"a": {"api_key": "***"}}),
        ("image.thumb", {"url": "http://a:b@c.example/"}, {"url": "http://***@c.example/"}),
        ("image.gif", {"images": ["http://a:b@c.example/"]}, {"images": ["http://***@c.example/"]}),
        ("image.gif", {"images": ["http://[a:b@c/"]}, {"images": ["***"]}),
    ],
)
def test_credentials_are_not_shown(
    task_name: str, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    record = _read(task_name, **given)[1]
    assert record.definition["parameters"] == shown


def test_of_a_signed_url_its_host_is_shown() -> None:
    submission, record = _read("image.thumb", url=URL, task_store=S3)
    assert record.definition["task_store"]["url"] == "https://bucket.example/***"
    assert submission.confidential


@pytest.mark.parametrize(
    ("given", "confidential"),
    [({"url": URL}, False), ({"url": "http://a:b@c.example/"}, True), ({}, False)],
)
def test_what_is_not_shown_is_kept_encrypted(given: dict[str, Any], confidential: bool) -> None:
    assert _read("image.thumb", **given)[0].confidential is confidential


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    sorted({name for kind in V2.kinds.values() for name in kind.form.parameters})
)
_DEFINITIONS = st.fixed_dictionaries(
    {"parameters": st.dictionaries(_NAMES | st.text(), _JSON, max_size=5)},
    optional={
        "task_name": st.sampled_from(sorted(V2.kinds)) | st.text(),
        "task_store": st.dictionaries(
            st.sampled_from(["type", "url", "tags", "location", "title"]) | st.text(),
            st.sampled_from(sorted(V2.stores)) | _JSON,
            max_size=4,
        ),
        "task_metas": _JSON,
        "url_callback": st.text(),
        "url_errback": st.text(),
    },
)


@VERSIONS
@given(definition=_DEFINITIONS, texts=st.booleans())
@settings(max_examples=300, deadline=None)
def test_whatever_is_defined_is_queued_or_refused(
    version: str, definition: dict[str, Any], texts: bool
) -> None:
    messages = BY_NAME[version].messages
    message = json_format.ParseDict(definition, messages.TaskDefinition())
    submission, record = read_definition(BY_NAME[version], message, "team-a", texts=texts)
    assert bool(record.problems) == bool(submission.refusal) == (submission.destination == b"")
    assert all(what and all(what) for what in (record.problems or {}).values())
    if not record.problems:
        kind = BY_NAME[version].kinds[submission.kind]
        assert not kind.unavailable
        kind.stored_spec.FromString(submission.spec)
