"""Every Videos and Media endpoint is shut without a token, and to other teams."""

from base64 import b64encode
from typing import Any

import httpx
import pytest

from tests.kit.clips import FILM
from tests.kit.suite import Suite
from tests.surfaces.conftest import Person, add_person, signed_in
from tests.surfaces.studio import Studio, answered, refused

TUS = {"Tus-Resumable": "1.0.0"}
KINDS = (
    *("original", "processed", "screenshot/small", "screenshot/large", "thumbnail/small"),
    *("thumbnail/large", "web", "storyboard"),
)
FILE = {"file": ("a.mp4", b"bytes")}
ABOUT_VIDEOS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "video": ("GET", "/videos/v1/video/{}", {}),
    "delete video": ("DELETE", "/videos/v1/video/{}", {}),
    "process": ("POST", "/videos/v1/process-video/{}", {"json": {}}),
    "process progress": ("GET", "/videos/v1/check-process-video-progress/{}", {}),
    "ingest progress": ("GET", "/videos/v1/check-ingest-video-progress/{}", {}),
    "upload": ("POST", "/media/v1/upload/{}", {"files": FILE}),
    "light upload": ("POST", "/media/v1/upload/light/{}", {"files": FILE}),
    **{f"download {kind}": ("GET", f"/media/v1/download/{kind}/{{}}", {}) for kind in KINDS},
    "storyboard index": ("GET", "/media/v1/download/storyboard/{}/storyboard.vtt", {}),
    "link": ("POST", "/media/v1/link/{}", {"json": {"file": "original"}}),
}
EXCEPTIONS = {
    "": "NoJWTTokenFoundException",
    "Bearer x.y.z": "InvalidJWTTokenFoundException",
    "Basic eDp5": "NoJWTTokenFoundException",
    "Secret ABC": "NoJWTTokenFoundException",
}


@pytest.fixture(scope="module")
def made(studio: Studio, premiere: str) -> str:
    """A processed video that is done."""
    size = {"width": 64, "height": 36}
    return studio.processed(
        premiere, {"resolution": size, "range": {"endPositionMilliseconds": 400}}
    )


def begin(client: httpx.Client, video: str, **headers: str) -> httpx.Response:
    """Begin a resumable upload."""
    metadata = f"videoId {b64encode(video.encode()).decode()}"
    every = {**TUS, "Upload-Length": "4", "Upload-Metadata": metadata, **headers}
    return client.post("/media/v1/tus", headers=every)


@pytest.mark.parametrize("name", ABOUT_VIDEOS)
def test_other_teams_are_told_that_there_is_nothing(
    studio: Studio, stranger: Studio, premiere: str, made: str, name: str
) -> None:
    method, path, body = ABOUT_VIDEOS[name]
    for video in (premiere, made):
        answer = stranger.client.request(method, path.format(video), **body)
        refused(answer, 404, "VideoNotFoundException")
        answered(studio.get(f"video/{video}"))


@pytest.mark.parametrize("credentials", EXCEPTIONS)
@pytest.mark.parametrize("name", ABOUT_VIDEOS)
def test_every_door_needs_a_token(
    studio: Studio, premiere: str, name: str, credentials: str
) -> None:
    method, path, body = ABOUT_VIDEOS[name]
    headers = {"Authorization": credentials}
    answer = studio.client.request(method, path.format(premiere), headers=headers, **body)
    refused(answer, 401, EXCEPTIONS[credentials])
    if method == "GET":
        head = studio.client.head(path.format(premiere), headers=headers)
        assert (head.status_code, head.content) == (401, b"")


def test_resumable_uploads_are_the_teams(studio: Studio, stranger: Studio) -> None:
    video = studio.video()
    refused(begin(stranger.client, video), 404, "VideoNotFoundException")
    refused(begin(studio.client, video, Authorization=""), 401, "NoJWTTokenFoundException")
    begun = begin(studio.client, video)
    assert begun.status_code == 201, begun.text
    upload = begun.headers["location"]
    patch = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    requests: list[tuple[str, dict[str, Any]]] = [
        ("GET", {"headers": TUS}),
        ("PATCH", {"headers": patch, "content": b"four"}),
        ("DELETE", {"headers": TUS}),
    ]
    for method, request in requests:
        unknown = stranger.client.request(method, upload, **request)
        assert unknown.status_code == 404, (method, unknown.text)
        shut = httpx.request(method, upload, timeout=60, **request)
        refused(shut, 401, "NoJWTTokenFoundException")
    done = studio.client.patch(upload, headers=patch, content=b"four")
    assert (done.status_code, done.headers["upload-offset"]) == (204, "4")
    assert studio.download(f"original/{video}").content == b"four"


def test_lists_hold_what_is_the_teams(
    studio: Studio, stranger: Studio, premiere: str, made: str
) -> None:
    own = stranger.video(projectId=stranger.project("Mine"))
    page = answered(stranger.get("videos", **{"page-size": 100}))["_embedded"]
    ids = {each["id"] for each in page["videos"]}
    assert own in ids
    assert not {premiere, made} & ids
    project = answered(studio.get(f"video/{premiere}"))["video"]["projectId"]
    for name, value in (("project-id", project), ("parent-id", premiere)):
        theirs = answered(studio.get("videos", **{name: value}))["_embedded"]
        assert theirs["totalFound"] > 0
        assert answered(stranger.get("videos", **{name: value}))["_embedded"]["totalFound"] == 0
    answered(stranger.delete(f"video/{own}"))


def test_a_team_is_shared_by_its_members(suite: Suite, alice: Person, studio: Studio) -> None:
    member = add_person(suite, "member@example.org")
    suite.run("teams", "join", "--email", member.email, "--team", alice.team)
    video = studio.ingested(FILM)
    headers = {"Authorization": f"Bearer {member.token(team_id=alice.team)}"}
    with httpx.Client(base_url=suite.url, headers=headers, timeout=60) as client:
        shared = Studio(client, suite.url, member.id, alice.team)
        assert answered(shared.get(f"video/{video}"))["video"]["userId"] == alice.id
        assert shared.download(f"original/{video}", "HEAD").status_code == 200
        second = shared.video(name="by the member")
    with signed_in(member) as alone:
        refused(alone.get(f"video/{video}"), 404, "VideoNotFoundException")
    assert answered(studio.get(f"video/{second}"))["video"]["userId"] == member.id
    deleted = answered(studio.delete(f"video/{second}"))
    assert deleted == {"deletedVideos": [{"videoId": second}]}
    answered(studio.delete(f"video/{video}"))
