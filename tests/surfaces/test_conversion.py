"""The document's example of a conversion, by REST, from the request to the file."""

from pathlib import Path
from typing import Any

import av
import pytest

from tests.kit.clips import FILM
from tests.kit.waiting import wait_for
from tests.surfaces.documented import PROCESS_PROGRESS, VIDEO, VIDEO_PAGE, check
from tests.surfaces.stripes import write_stripes
from tests.surfaces.studio import Studio, answered, refused

# The document's, with what runs already in the place of learned filters, of a source whose sides
# are not those of its example, and with one instead of two ways to say the same.
EXAMPLE: dict[str, Any] = {
    "mediaContainerCodec": {"container": "mov", "codec": "h264"},
    "scanning": {"scanningType": "interlaced", "interlacedFieldOrder": "top_field"},
    "chromaSubsampling": {"yuv": "4:2:2", "bits": 8},
    "bitrate": {"mbps": 20.5},
    "deinterlacer": "bwdif",
    "denoiser": "hqdn3d",
    "scaler": "scale",
    "resolution": {"width": 640, "aspectRatioTag": "16:9"},
    "clarityBoost": "none",
    "frameRateConverter": "fblend",
    "frameRate": {"tag": "film"},
    "range": {"startPositionMilliseconds": 200, "endPositionMilliseconds": 700},
}


@pytest.fixture(scope="module")
def source(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interlaced original in a project."""
    path = tmp_path_factory.mktemp("stripes") / "stripes.ts"
    write_stripes(path)
    return studio.ingested(path, name="Stripes", projectId=studio.project())


@pytest.fixture(scope="module")
def made(studio: Studio, source: str) -> str:
    """What the example makes of it."""
    return studio.processed(source, EXAMPLE)


def test_details_say_what_was_made_of_what(studio: Studio, source: str, made: str) -> None:
    found = answered(studio.get(f"video/{made}"))
    check(found, {"video": VIDEO})
    video = found["video"]
    assert (video["parentId"], video["userId"], video["teamId"]) == (
        *(source, studio.user),
        studio.team,
    )
    assert video["projectId"] == answered(studio.get(f"video/{source}"))["video"]["projectId"]
    state = video["processing"]["processingState"]
    assert (state["processingStatus"], state["processingProgressPercent"]) == ("DONE", 100.0)
    assert video["processing"]["processingParameters"] == {
        "sourceVideo": {"startPositionMilliseconds": 200, "endPositionMilliseconds": 700},
        "targetVideo": {
            "container": {"name": "mov", "properties": {}},
            "codec": {"name": "h264", "properties": {}},
            "pixelFormat": {"name": "yuv422p", "chromaSubsampling": {"yuv": "4:2:2", "bits": 8}},
            "bitrate": 20_500_000,
            "frameWidth": 640,
            "frameHeight": 360,
            "videoFilters": [
                {"name": "bwdif", "properties": {"interlacedFieldOrder": "bottom_first"}},
                {"name": "hqdn3d", "properties": {}},
                {"name": "scale", "properties": {"width": 640, "height": 360}},
                {"name": "fblend", "properties": {"fps": 24.0}},
            ],
            "scanning": {"scanningType": "interlaced", "interlacedFieldOrder": "top_first"},
            "averageFramerate": 12.0,
        },
    }


def test_the_metadata_of_what_was_made(studio: Studio, made: str) -> None:
    ingestion = answered(studio.get(f"video/{made}"))["video"]["ingestion"]
    assert ingestion["ingestionState"]["ingestionStatus"] == "DONE"
    metadata = ingestion["metadata"]
    assert (metadata["frameWidth"], metadata["frameHeight"]) == (640, 360)
    assert (metadata["averageFramerate"], metadata["totalFrames"]) == (12.0, 6)
    assert metadata["durationInMillis"] == 500
    top = {"scanningType": "interlaced", "interlacedFieldOrder": "top_first"}
    assert metadata["scanning"]["metadata"] == top
    assert metadata["size"] == len(studio.download(f"processed/{made}").content)


def test_the_file_is_what_was_reported(studio: Studio, made: str, tmp_path: Path) -> None:
    answer = studio.download(f"processed/{made}")
    assert answer.headers["content-type"] == "video/quicktime"
    assert 'filename="stripes.mov"' in answer.headers["content-disposition"]
    path = tmp_path / "made.mov"
    path.write_bytes(answer.content)
    with av.open(str(path)) as container:
        [stream] = container.streams.video
        assert stream.codec_context.name == "h264"
        assert (stream.width, stream.height, stream.pix_fmt) == (640, 360, "yuv422p")
        assert stream.average_rate == 12
        frames = list(container.decode(stream))
    assert len(frames) == 6
    assert all(frame.interlaced_frame for frame in frames)


def test_progress_is_documented_from_the_beginning_to_the_end(studio: Studio, source: str) -> None:
    request = EXAMPLE | {"frameRateConverter": "mcinterpolate"}
    answer = answered(studio.post(f"process-video/{source}", request))
    seen: list[dict[str, Any]] = []
    while not seen or seen[-1]["processingState"]["processingStatus"] not in ("DONE", "ERROR"):
        seen.append(answered(studio.client.get(answer["checkProgressUrl"])))
        check(seen[-1], PROCESS_PROGRESS)
    assert {each["videoId"] for each in seen} == {answer["processedVideoId"]}
    assert {each["projectId"] for each in seen} == {answer["projectId"]}
    states = [each["processingState"] for each in seen]
    statuses = list(dict.fromkeys(each["processingStatus"] for each in states))
    assert statuses in (["IN_PROGRESS", "DONE"], ["INITIAL", "IN_PROGRESS", "DONE"])
    percents = [each["processingProgressPercent"] for each in states]
    assert percents == sorted(percents)
    assert percents[-1] == 100.0
    assert "etaSeconds" not in states[-1]
    assert studio.client.head(answer["downloadMediaUrl"]).status_code == 200


def test_a_conversion_that_fails_says_why(studio: Studio, tmp_path: Path) -> None:
    film = FILM.read_bytes()
    half = len(film) // 2
    spoilt = tmp_path / "spoilt.mp4"
    spoilt.write_bytes(film[:half] + bytes(half))
    source = studio.ingested(spoilt)
    late = {"startPositionMilliseconds": 4500, "endPositionMilliseconds": 5000}
    made = answered(studio.post(f"process-video/{source}", {"range": late}))["processedVideoId"]

    def look() -> dict[str, Any] | None:
        found = answered(studio.get(f"check-process-video-progress/{made}"))
        check(found, PROCESS_PROGRESS)
        state: dict[str, Any] = found["processingState"]
        return state if state["processingStatus"] in ("DONE", "ERROR") else None

    state = wait_for(look, seconds=90, what="the conversion to fail")
    assert state is not None
    assert state["processingStatus"] == "ERROR"
    assert "can be decoded" in state["errorMessage"]
    video = answered(studio.get(f"video/{made}"))
    check(video, {"video": VIDEO})
    assert video["video"]["processing"]["processingState"] == state
    refused(studio.download(f"processed/{made}"), 404, "MediaNotFoundException")
    gone = answered(studio.delete(f"video/{source}"))["deletedVideos"]
    assert {each["videoId"] for each in gone} == {source, made}


def test_pages_lead_from_one_to_the_next_and_back(studio: Studio, source: str, made: str) -> None:
    project = answered(studio.get(f"video/{source}"))["video"]["projectId"]
    for name in ("a", "b", "c"):
        studio.video(name=name, projectId=project)
    page = answered(studio.get("videos", **{"project-id": project, "page-size": 2}))
    pages = [page]
    while following := page["_links"].get("next"):
        page = answered(studio.client.get(following["href"]))
        pages.append(page)
    for number, each in enumerate(pages, 1):
        check(each, VIDEO_PAGE)
        links = {name: link["href"] for name, link in each["_links"].items()}
        assert (each["page"], each["pageSize"]) == (number, 2)
        assert ("previous" in links, "next" in links) == (number > 1, number < len(pages))
        assert answered(studio.client.get(links["self"])) == each
        assert answered(studio.client.get(links["first"])) == pages[0]
        assert answered(studio.client.get(links["last"])) == pages[-1]
        if number > 1:
            assert answered(studio.client.get(links["previous"])) == pages[number - 2]
    listed = [video["id"] for each in pages for video in each["_embedded"]["videos"]]
    assert len(listed) == len(set(listed)) == pages[0]["_embedded"]["totalFound"]
    assert {source, made} <= set(listed)
    whole = answered(studio.get("videos", **{"project-id": project, "page-size": 100}))
    assert [video["id"] for video in whole["_embedded"]["videos"]] == listed
