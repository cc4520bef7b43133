"""Every request and answer that the Video API documents about uploads, by REST."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.kit.clips import FILM
from tests.kit.suite import Suite
from tests.kit.waiting import wait_for
from tests.surfaces.conftest import add_person, signed_in
from tests.surfaces.documented import UPLOAD, UPLOADED, check
from tests.surfaces.studio import UNKNOWN, Studio, answered, refused

NOT_FOUND = "VideoNotFoundException"
ALREADY = "AlreadyUploadedException"
SOME = b"some bytes"
TWO_TIB = 2**41


def addresses(video: str) -> list[str]:
    return [f"/media/v1/upload/{video}", f"/media/v1/upload/light/{video}"]


@pytest.mark.parametrize("light", [False, True])
def test_the_answer_says_what_to_do_next(studio: Studio, light: bool) -> None:
    project = studio.project()
    made = answered(studio.put("video", {"projectId": project}))
    address = made["uploadLightMediaUrl" if light else "uploadMediaUrl"]
    with FILM.open("rb") as file:
        answer = answered(studio.client.post(address, files={"file": (FILM.name, file)}))
    check(answer, UPLOADED)
    video = made["videoId"]
    assert (answer["projectId"], answer["videoId"]) == (project, video)
    studio.ended(video)
    progress = answered(studio.client.get(answer["checkIngestProgressUrl"]))
    assert progress["ingestionState"]["ingestionStatus"] == "DONE"
    processing = answered(studio.client.post(answer["processVideoUrl"], json={}))
    assert processing["sourceVideoId"] == video
    answered(studio.delete(f"video/{video}"))


def test_the_answer_is_the_same_without_a_project(studio: Studio) -> None:
    for address in addresses(studio.video())[:1]:
        answer = answered(studio.client.post(address, files={"file": ("a.mp4", SOME)}))
        check(answer, UPLOADED)
        assert "projectId" not in answer


@pytest.mark.parametrize(
    "parts",
    [
        [("file", ("film.mp4", SOME, "video/mp4"))],
        [("film.mp4", ("film.mp4", SOME, "video/mp4"))],
        [("", ("film.mp4", SOME))],
        [("title", (None, "A film")), ("media", ("film.mp4", SOME)), ("file", ("b.mp4", b"b"))],
    ],
    ids=["file", "after-the-file", "without-name", "first-of-two"],
)
def test_the_first_file_part_is_taken_whatever_its_name(studio: Studio, parts: Any) -> None:
    video = studio.video()
    answered(studio.client.post(addresses(video)[0], files=parts))
    answer = studio.download(f"original/{video}")
    assert answer.content == SOME
    assert 'filename="film.mp4"' in answer.headers["content-disposition"]


def test_a_name_comes_back_as_it_went(studio: Studio) -> None:
    video = studio.video()
    for_the_file = ("Déjà vu; 100%.mov", SOME, "video/quicktime")
    answered(studio.client.post(addresses(video)[0], files={"file": for_the_file}))
    answer = studio.download(f"original/{video}", "HEAD")
    name = "filename*=UTF-8''D%C3%A9j%C3%A0%20vu%3B%20100%25.mov"
    assert name in answer.headers["content-disposition"]
    assert answer.headers["content-type"] == "video/quicktime"


def test_the_upload_state_tells_of_the_file(studio: Studio) -> None:
    video = studio.video()
    file = ("Déjà vu.mkv", SOME, "video/x-matroska")
    answered(studio.client.post(addresses(video)[0], files={"file": file}))
    studio.ended(video)
    upload = answered(studio.get(f"video/{video}"))["video"]["upload"]
    state = upload.pop("uploadState")
    assert state["uploadStatus"] == "DONE"
    assert upload == {
        "hasFinishedUploading": True,
        "fileName": "Déjà vu.mkv",
        "fileSize": len(SOME),
        "fileType": "video/x-matroska",
        "fileTimeLastModified": state["updatedAt"],
    }


@pytest.mark.parametrize(
    ("request_of", "status", "exception"),
    [
        ({"files": {"file": (None, "text")}}, 400, "BadRequestException"),
        ({"files": {"file": ("empty.mp4", b"")}}, 400, "BadRequestException"),
        (
            {"content": b"", "headers": {"content-type": "multipart/form-data; boundary=b"}},
            *(400, "BadRequestException"),
        ),
        (
            {
                "content": b"--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\nab",
                "headers": {"content-type": "multipart/form-data; boundary=b"},
            },
            *(400, "BadRequestException"),
        ),
        ({"json": {"file": "film.mp4"}}, 415, "UnsupportedMediaTypeException"),
        (
            {"content": SOME, "headers": {"content-type": "video/mp4"}},
            *(415, "UnsupportedMediaTypeException"),
        ),
        (
            {"content": SOME, "headers": {"content-type": "multipart/form-data"}},
            *(415, "UnsupportedMediaTypeException"),
        ),
        ({"files": {"file": ("a", SOME)}, "params": {"a": "1"}}, 400, "BadRequestException"),
    ],
    ids=["text", "empty", "nothing", "cut", "json", "raw", "no-boundary", "query"],
)
def test_what_is_no_file_leaves_the_video_as_it_was(
    studio: Studio, request_of: dict[str, Any], status: int, exception: str
) -> None:
    video = studio.video()
    for address in addresses(video):
        refused(studio.client.post(address, **request_of), status, exception)
    answered(studio.client.post(addresses(video)[0], files={"file": ("a.mp4", SOME)}))


@pytest.mark.parametrize("video", [UNKNOWN, "film"])
def test_unknown_videos(studio: Studio, video: str) -> None:
    for address in addresses(video):
        answer = studio.client.post(address, files={"file": ("a.mp4", SOME)})
        refused(answer, 404, NOT_FOUND)


def test_a_deleted_video_takes_no_upload(studio: Studio) -> None:
    video = studio.video()
    answered(studio.delete(f"video/{video}"))
    answer = studio.client.post(addresses(video)[0], files={"file": ("a.mp4", SOME)})
    refused(answer, 404, NOT_FOUND)


def test_a_video_takes_one_file(studio: Studio, premiere: str) -> None:
    for address in addresses(premiere):
        answer = studio.client.post(address, files={"file": ("a.mp4", SOME)})
        refused(answer, 409, ALREADY)
    assert studio.download(f"original/{premiere}").content == FILM.read_bytes()


def test_a_processed_video_takes_no_file(studio: Studio, premiere: str) -> None:
    made = answered(studio.post(f"process-video/{premiere}", {}))["processedVideoId"]
    for address in addresses(made):
        answer = studio.client.post(address, files={"file": ("a.mp4", SOME)})
        refused(answer, 409, "NotAnOriginalException")
    answered(studio.delete(f"video/{made}"))


@contextmanager
def sending(studio: Studio, video: str, length: int) -> Iterator[http.client.HTTPConnection]:
    """Begin an upload whose body is said to have `length` bytes."""
    target = urlsplit(studio.url)
    connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=60)
    connection.putrequest("POST", addresses(video)[0])
    connection.putheader("Authorization", studio.client.headers["authorization"])
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    with closing(connection):
        yield connection


def test_more_than_a_file_may_have_is_refused_before_the_first_byte(studio: Studio) -> None:
    with sending(studio, studio.video(), TWO_TIB) as connection:
        answer = connection.getresponse()
        body = answer.read()
    assert answer.status == 413
    assert b'"exception":"PayloadTooLargeException"' in body
    assert str(2**40).encode() in body


def test_an_upload_is_in_progress_while_bytes_arrive(studio: Studio) -> None:
    video = studio.video()

    def upload_is(status: str) -> bool:
        upload = answered(studio.get(f"video/{video}"))["video"]["upload"]
        check(upload, UPLOAD)
        assert upload["hasFinishedUploading"] is False
        return bool(upload["uploadState"]["uploadStatus"] == status)

    assert upload_is("INITIAL")
    with sending(studio, video, 2**23) as connection:
        head = b"--b\r\nContent-Disposition: form-data; name=file; filename=a.mp4\r\n\r\n"
        connection.send(head + bytes(2**22))
        wait_for(lambda: upload_is("IN_PROGRESS"), seconds=20, what="the upload to be seen")
        second = studio.client.post(addresses(video)[0], files={"file": ("a.mp4", SOME)})
        refused(second, 409, ALREADY)
        refused(studio.post(f"process-video/{video}", {}), 409, "VideoNotIngestedException")
    wait_for(lambda: upload_is("INITIAL"), seconds=20, what="the broken upload to be forgotten")
    answered(studio.client.post(addresses(video)[0], files={"file": ("a.mp4", SOME)}))


def test_more_than_the_account_may_store_is_refused(suite: Suite) -> None:
    person = add_person(suite, "hoarder@example.org")
    suite.run("limits", "set", "--team", person.team, "--stored-bytes", "1000")
    with signed_in(person) as studio:

        def upload(size: int) -> httpx.Response:
            address = addresses(studio.video())[0]
            return studio.client.post(address, files={"file": ("a.mp4", bytes(size))})

        answered(upload(600))
        message = refused(upload(600), 413, "StorageLimitException")
        assert "1000" in message


@pytest.mark.parametrize(
    "spell",
    [
        lambda path: path.replace("/", "//"),
        lambda path: path.replace("/v1/", "/v1///"),
        lambda path: f"/{path}",
    ],
    ids=["all", "inner", "leading"],
)
def test_repeated_slashes_count_as_one(
    studio: Studio, premiere: str, spell: Callable[[str], str]
) -> None:
    video = studio.video()

    def at(path: str) -> str:
        return f"{studio.url}{spell(path)}"

    upload = studio.client.post(at(addresses(video)[0]), files={"file": ("a.mp4", SOME)})
    assert answered(upload)["videoId"] == video
    head = studio.client.head(at(f"/media/v1/download/original/{premiere}"))
    assert head.status_code == 200
    assert answered(studio.client.get(at(f"/videos/v1/video/{premiere}")))["video"]["id"]
