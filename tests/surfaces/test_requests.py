"""The forms of requests that clients of the Video API send, and of answers that they read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.surfaces.documented import VIDEO, check
from tests.surfaces.studio import DATE, Studio, answered, refused


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "text/plain", "application/xml", ""],
)
def test_bodies_are_json_whatever_their_content_type(studio: Studio, content_type: str) -> None:
    answer = studio.client.put(
        "/videos/v1/project", content=b'{"name":"Films"}', headers={"Content-Type": content_type}
    )
    assert answered(answer)["project"]["name"] == "Films"


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html"])
def test_answers_are_json_whatever_is_accepted(studio: Studio, accept: str) -> None:
    answer = studio.client.get("/videos/v1/videos", headers={"Accept": accept})
    assert "_embedded" in answered(answer)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"name"', b"\xff", b'{"name":"a"} {}'])
def test_what_is_no_object_is_refused(studio: Studio, body: bytes) -> None:
    answer = studio.client.put("/videos/v1/project", content=body)
    refused(answer, 400, "BadRequestException")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"name":null,"projectId":null}'])
def test_null_is_as_good_as_nothing(studio: Studio, body: bytes) -> None:
    made = answered(studio.client.put("/videos/v1/video", content=body))
    assert "projectId" not in made
    found = answered(studio.get(f"video/{made['videoId']}"))
    check(found, {"video": VIDEO})
    assert found["video"]["name"] == ""


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/videos/v1/project", {"PUT"}),
        ("PUT", "/videos/v1/projects", {"GET", "HEAD"}),
        ("PUT", "/videos/v1/project/{}", {"GET", "HEAD", "POST", "DELETE"}),
        ("GET", "/videos/v1/process-video/{}", {"POST"}),
        ("PATCH", "/videos/v1/video/{}", {"GET", "HEAD", "DELETE"}),
        ("GET", "/media/v1/upload/{}", {"POST"}),
        ("PUT", "/media/v1/upload/light/{}", {"POST"}),
        ("DELETE", "/media/v1/download/original/{}", {"GET", "HEAD"}),
    ],
)
def test_methods_that_are_not_there(
    studio: Studio, premiere: str, method: str, path: str, allowed: set[str]
) -> None:
    answer = studio.client.request(method, path.format(premiere))
    refused(answer, 405, "MethodNotAllowedException")
    assert set(answer.headers["allow"].split(", ")) == allowed | {"OPTIONS"}


@pytest.mark.parametrize("path", ["/videos/v2/videos", "/media/v1/download/sound/x", "/media"])
def test_addresses_that_are_not_there(studio: Studio, path: str) -> None:
    refused(studio.client.get(path), 404, "NotFoundException")


@pytest.mark.parametrize(
    "path",
    ["/videos/v1/video/{}", "/videos/v1/videos", "/videos/v1/check-ingest-video-progress/{}"],
)
def test_every_get_has_a_head(studio: Studio, premiere: str, path: str) -> None:
    whole = studio.client.get(path.format(premiere))
    head = studio.client.head(path.format(premiere))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_unknown_parameters_are_named(studio: Studio, premiere: str) -> None:
    for path in (f"video/{premiere}", "videos", "projects"):
        message = refused(studio.get(path, colour="red"), 400, "BadRequestException")
        assert "colour" in message


def every_value(value: Any) -> list[Any]:
    """The values of an answer, those inside of others too."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(deeper for each in inner for deeper in every_value(each))]


def test_no_answer_holds_null(studio: Studio, premiere: str) -> None:
    loose = studio.video()
    paths = ["videos", "projects"]
    for video in (premiere, loose):
        paths += [f"video/{video}", f"check-ingest-video-progress/{video}"]
    for path in paths:
        assert None not in every_value(answered(studio.get(path)))


def test_times_are_utc_in_the_documented_form(studio: Studio) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    video = answered(studio.get(f"video/{studio.video()}"))["video"]
    for moment in (video["dateCreated"], video["timeLastUpdated"]):
        assert DATE.fullmatch(moment)
        stamp = datetime.fromisoformat(f"{moment}+00:00")
        assert before <= stamp <= datetime.now(UTC)
