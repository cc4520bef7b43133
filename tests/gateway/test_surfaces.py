"""What differs between the two documented APIs."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.problems import Refusal
from gateway.surfaces import surface_of
from gateway.surfaces.tasks import TASKS
from gateway.surfaces.video import VIDEO
from services.chassis.errors import Violation


@pytest.mark.parametrize("first", ["v1", "v2", "storage"])
def test_paths_of_the_tasks_api(first: str) -> None:
    assert surface_of([first, "x"]) is TASKS


@pytest.mark.parametrize("segments", [[], ["videos", "v1"], ["v3"], ["openapi.json"]])
def test_all_others_are_the_video_api_s(segments: list[str]) -> None:
    assert surface_of(segments) is VIDEO


def test_times() -> None:
    time = Timestamp(seconds=1795327879, nanos=5000)
    assert VIDEO.write_time(time) == "2026-11-22 06:11:19"
    assert TASKS.write_time(time) == "2026-11-22T06:11:19.000005+00:00"


@pytest.mark.parametrize(
    ("status", "name", "location"),
    [
        (401, "authorization", "header"),
        (404, "path", "path"),
        (405, "method", "path"),
        (414, "path", "path"),
        (499, "body", "body"),
        (500, "service", "server"),
        (503, "service", "server"),
        (504, "service", "server"),
    ],
)
def test_a_tasks_error_without_violations_says_what_it_is_about(
    status: int, name: str, location: str
) -> None:
    body = TASKS.error_body(Refusal(status, "AnyException", "text"))
    about = {"name": name, "location": location, "description": "text"}
    assert body["errors"] == [about]


def test_a_message_that_names_its_fields_stays_as_it_is() -> None:
    violation = Violation("page", "is too large")
    named = Refusal(400, "AnyException", "page must be from 1", violations=(violation,))
    assert VIDEO.error_body(named)["errorMessage"] == "page must be from 1"
    unnamed = Refusal(400, "AnyException", "bad", violations=(violation,))
    assert VIDEO.error_body(unnamed)["errorMessage"] == "page: is too large"
