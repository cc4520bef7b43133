"""Every request and answer that the Video API documents about videos, by REST."""

from pathlib import Path
from typing import Any

import pytest

from tests.kit.clips import FILM
from tests.kit.suite import Suite
from tests.kit.waiting import wait_for
from tests.surfaces.studio import DATE, UNKNOWN, Studio, answered, refused

NOT_FOUND = "VideoNotFoundException"
FRESH = {
    *("id", "name", "description", "userId", "teamId", "upload", "ingestion", "attributes"),
    *("dateCreated", "timeLastUpdated"),
}
INGESTION_STATE = {
    *("updatedAt", "ingestionStatus", "videoMetadataAvailable", "videoMetadataCommitted"),
    *("processingProgressPercent", "thumbnailsAvailable", "webVideoAvailable"),
}
METADATA = {
    *("containerName", "longContainerName", "codecName", "longCodecName", "pixelFormat"),
    *("frameWidth", "frameHeight", "scanning", "averageFramerate", "durationInMillis"),
    *("totalFrames", "size", "videoStreamSize", "displayAspectRatio", "primaryBitDepth"),
}
PARAMETERS = {
    *("container", "codec", "pixelFormat", "bitrate", "frameWidth", "frameHeight"),
    *("videoFilters", "scanning", "averageFramerate"),
}


@pytest.fixture(scope="module")
def film(studio: Studio) -> str:
    """An original whose ingestion is done."""
    return studio.ingested(FILM, name="Film", projectId=studio.project())


@pytest.fixture(scope="module")
def made(studio: Studio, film: str) -> str:
    """A processed video that is done."""
    target = {"resolution": {"width": 64, "height": 36}, "range": {"endPositionMilliseconds": 400}}
    return studio.processed(film, target)


def test_a_video_is_made(studio: Studio) -> None:
    project = studio.project()
    made = answered(studio.put("video", {"name": "Film", "projectId": project}))
    video = made["videoId"]
    assert made == {
        "projectId": project,
        "videoId": video,
        "uploadMediaUrl": f"{studio.url}/media/v1/upload/{video}",
        "uploadLightMediaUrl": f"{studio.url}/media/v1/upload/light/{video}",
        "processVideoUrl": f"{studio.url}/videos/v1/process-video/{video}",
    }
    found = answered(studio.get(f"video/{video}"))
    assert found.keys() == {"video"}
    details = found["video"]
    assert details.keys() == FRESH | {"projectId"}
    assert (details["name"], details["description"]) == ("Film", "")
    assert (details["userId"], details["teamId"]) == (studio.user, studio.team)
    assert details["attributes"] == {}
    assert DATE.fullmatch(details["dateCreated"])
    upload = details["upload"]
    assert upload.keys() == {"uploadState", "hasFinishedUploading"}
    assert upload["uploadState"].keys() == {"updatedAt", "uploadStatus"}
    assert upload["uploadState"]["uploadStatus"] == "INITIAL"
    assert upload["hasFinishedUploading"] is False
    state = details["ingestion"]["ingestionState"]
    assert state.keys() == INGESTION_STATE
    assert (state["ingestionStatus"], state["videoMetadataAvailable"]) == ("INITIAL", False)


def test_name_and_project_are_optional(studio: Studio) -> None:
    made = answered(studio.put("video", {}))
    assert "projectId" not in made
    details = answered(studio.get(f"video/{made['videoId']}"))["video"]
    assert details.keys() == FRESH
    assert details["name"] == ""


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"name": "n" * 256}, "name"),
        ({"name": " "}, "name"),
        ({"name": ["a"]}, "name"),
        ({"attributes": {"genres": "noir"}}, "attributes"),
        ({"description": "long"}, "description"),
    ],
)
def test_bodies_that_are_refused(studio: Studio, body: dict[str, Any], named: str) -> None:
    assert named in refused(studio.put("video", body), 400, "BadRequestException")


def test_a_video_cannot_be_put_into_an_unknown_project(studio: Studio) -> None:
    for project in (UNKNOWN, "film"):
        answer = studio.put("video", {"projectId": project})
        refused(answer, 404, "ProjectNotFoundException")


def test_an_ingested_video_says_all_that_is_known(studio: Studio, film: str) -> None:
    details = answered(studio.get(f"video/{film}"))["video"]
    upload = details["upload"]
    assert upload["uploadState"]["uploadStatus"] == "DONE"
    assert upload["hasFinishedUploading"] is True
    assert (upload["fileName"], upload["fileSize"]) == (FILM.name, FILM.stat().st_size)
    assert (upload["fileType"], upload["fileContainerName"]) == ("video/mp4", "QuickTime / MOV")
    state = details["ingestion"]["ingestionState"]
    assert state.keys() == INGESTION_STATE
    assert state["ingestionStatus"] == "DONE"
    assert state["processingProgressPercent"] == 100.0
    assert state["videoMetadataAvailable"] is state["videoMetadataCommitted"] is True
    assert state["thumbnailsAvailable"] is state["webVideoAvailable"] is False
    assert DATE.fullmatch(state["updatedAt"])
    metadata = details["ingestion"]["metadata"]
    assert METADATA - {"displayAspectRatio"} <= metadata.keys() <= METADATA
    assert metadata["pixelFormat"] == {
        "name": "yuv420p",
        "chromaSubsampling": {"yuv": "4:2:0", "bits": 8},
    }
    assert metadata["size"] == FILM.stat().st_size
    assert metadata["scanning"]["metadata"]["scanningType"]
    assert "qualityAssessment" not in details["ingestion"]
    assert "processing" not in details


def test_the_progress_of_an_ingestion(studio: Studio, film: str) -> None:
    found = answered(studio.get(f"check-ingest-video-progress/{film}"))
    assert found.keys() == {"videoId", "projectId", "ingestionState"}
    assert found["videoId"] == film
    assert found["ingestionState"]["ingestionStatus"] == "DONE"


def test_a_broken_file_ends_in_error_with_a_reason(studio: Studio, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no video" * 100)
    video = studio.ingested(broken)
    state = answered(studio.get(f"video/{video}"))["video"]["ingestion"]["ingestionState"]
    assert state["ingestionStatus"] == "ERROR"
    assert state["errorMessage"]
    assert "projectId" not in answered(studio.get(f"check-ingest-video-progress/{video}"))
    answer = studio.post(f"process-video/{video}", {})
    refused(answer, 409, "VideoNotIngestedException")


def test_a_processed_video_says_what_was_made_of_what(studio: Studio, film: str, made: str) -> None:
    details = answered(studio.get(f"video/{made}"))["video"]
    assert details.keys() == (FRESH - {"upload"}) | {"projectId", "parentId", "processing"}
    assert details["parentId"] == film
    state = details["processing"]["processingState"]
    assert state.keys() == {"updatedAt", "processingStatus", "processingProgressPercent"}
    assert (state["processingStatus"], state["processingProgressPercent"]) == ("DONE", 100.0)
    parameters = details["processing"]["processingParameters"]
    assert parameters.keys() == {"sourceVideo", "targetVideo"}
    assert parameters["sourceVideo"] == {"endPositionMilliseconds": 400}
    target = parameters["targetVideo"]
    assert target.keys() == PARAMETERS
    assert target["container"] == {"name": "mp4", "properties": {}}
    assert target["codec"] == {"name": "h264", "properties": {}}
    assert target["pixelFormat"] == {
        "name": "yuv420p",
        "chromaSubsampling": {"yuv": "4:2:0", "bits": 8},
    }
    assert (target["frameWidth"], target["frameHeight"]) == (64, 36)
    assert target["videoFilters"] == [{"name": "scale", "properties": {"width": 64, "height": 36}}]
    assert target["scanning"] == {"scanningType": "progressive"}
    metadata = details["ingestion"]["metadata"]
    assert (metadata["frameWidth"], metadata["frameHeight"]) == (64, 36)


def test_progress_is_asked_of_the_right_kind(studio: Studio, film: str, made: str) -> None:
    found = answered(studio.get(f"check-process-video-progress/{made}"))
    assert found.keys() == {"videoId", "projectId", "processingState"}
    assert found["videoId"] == made
    refused(studio.get(f"check-process-video-progress/{film}"), 404, NOT_FOUND)
    refused(studio.get(f"check-ingest-video-progress/{made}"), 404, NOT_FOUND)


def test_what_was_processed_is_not_processed_again(studio: Studio, made: str) -> None:
    refused(studio.post(f"process-video/{made}", {}), 409, "VideoNotOriginalException")


def test_pages_of_videos_are_filtered(studio: Studio, film: str, made: str) -> None:
    project = answered(studio.get(f"video/{film}"))["video"]["projectId"]
    page = answered(studio.get("videos", **{"project-id": project, "page-size": 1}))
    assert page["_embedded"]["totalFound"] == 2
    query = f"project-id={project}"
    address = f"{studio.url}/videos/v1/videos?{query}"
    assert page["_links"]["next"] == {"href": f"{address}&page=2&page-size=1"}
    [processed] = page["_embedded"]["videos"]
    assert processed.pop("dateCreated") <= processed.pop("timeLastUpdated")
    assert processed == {
        "_links": {"self": {"href": f"{studio.url}/videos/v1/video/{made}"}},
        "id": made,
        "parentId": film,
        "projectId": project,
        "name": "Film (64x36 h264)",
        "filename": "big_buck_bunny.mp4",
    }
    following = answered(studio.client.get(page["_links"]["next"]["href"]))
    [original] = following["_embedded"]["videos"]
    assert (original["id"], original["filename"]) == (film, FILM.name)
    assert "parentId" not in original

    children = answered(studio.get("videos", **{"parent-id": film}))["_embedded"]
    assert [each["id"] for each in children["videos"]] == [made]
    both = answered(studio.get("videos", **{"parent-id": film, "project-id": UNKNOWN}))
    assert both["_embedded"] == {"videos": [], "totalFound": 0}
    for unknown in (UNKNOWN, "film"):
        for name in ("project-id", "parent-id"):
            assert answered(studio.get("videos", **{name: unknown}))["_embedded"]["videos"] == []


def work_states(suite: Suite, videos: list[str], kind: str = "process") -> set[str]:
    """The states of the work on videos, once none of it runs."""
    names = {f"{kind}:{video}" for video in videos}

    def look() -> set[str]:
        rows = suite.ask("tasks", "SELECT request_id, state FROM items")
        states = {str(state) for name, state in rows if name in names}
        return states if not states & {"queued", "executing", "waiting"} else set()

    return wait_for(look, seconds=60, what="the work to end")


def test_an_original_goes_with_all_that_was_made_of_it(studio: Studio, suite: Suite) -> None:
    film = studio.ingested(FILM)
    large = {"resolution": {"tag": "uhd_4k"}}
    children = [
        answered(studio.post(f"process-video/{film}", large))["processedVideoId"] for _ in range(2)
    ]
    gone = answered(studio.delete(f"video/{film}"))
    assert gone.keys() == {"deletedVideos"}
    assert gone["deletedVideos"][0] == {"videoId": film}
    assert {each["videoId"] for each in gone["deletedVideos"]} == {film, *children}
    for video in (film, *children):
        refused(studio.get(f"video/{video}"), 404, NOT_FOUND)
        refused(studio.delete(f"video/{video}"), 404, NOT_FOUND)
    assert work_states(suite, children) == {"cancelled"}


def test_an_original_is_deleted_while_it_is_ingested(studio: Studio, suite: Suite) -> None:
    video = studio.video()
    answered(studio.upload(video, FILM))

    def begun() -> bool:
        state = answered(studio.get(f"check-ingest-video-progress/{video}"))["ingestionState"]
        return bool(state["ingestionStatus"] == "IN_PROGRESS")

    wait_for(begun, seconds=60, what="the ingestion to begin")
    assert answered(studio.delete(f"video/{video}")) == {"deletedVideos": [{"videoId": video}]}
    assert work_states(suite, [video], "ingest") == {"cancelled"}
    refused(studio.download(f"original/{video}"), 404, NOT_FOUND)


def test_a_processed_video_is_deleted_while_it_runs(
    studio: Studio, suite: Suite, film: str
) -> None:
    large = {"resolution": {"tag": "uhd_4k"}}
    child = answered(studio.post(f"process-video/{film}", large))["processedVideoId"]
    assert answered(studio.delete(f"video/{child}")) == {"deletedVideos": [{"videoId": child}]}
    assert work_states(suite, [child]) == {"cancelled"}
    answered(studio.get(f"video/{film}"))


def test_another_team_sees_nothing_of_it(studio: Studio, stranger: Studio, film: str) -> None:
    refused(stranger.get(f"video/{film}"), 404, NOT_FOUND)
    refused(stranger.delete(f"video/{film}"), 404, NOT_FOUND)
    refused(stranger.post(f"process-video/{film}", {}), 404, NOT_FOUND)
    for kind in ("ingest", "process"):
        refused(stranger.get(f"check-{kind}-video-progress/{film}"), 404, NOT_FOUND)
    for name in ("parent-id", "project-id"):
        assert answered(stranger.get("videos", **{name: film}))["_embedded"]["videos"] == []
    assert answered(stranger.get("videos"))["_embedded"]["totalFound"] == 0


@pytest.mark.parametrize("video", [UNKNOWN, "film", "a b"])
def test_unknown_videos(studio: Studio, video: str) -> None:
    refused(studio.get(f"video/{video}"), 404, NOT_FOUND)
    refused(studio.delete(f"video/{video}"), 404, NOT_FOUND)
    refused(studio.post(f"process-video/{video}", {}), 404, NOT_FOUND)
    for kind in ("ingest", "process"):
        refused(studio.get(f"check-{kind}-video-progress/{video}"), 404, NOT_FOUND)
