"""All that ingestion finds out, as the Video API documents it, by REST."""

from pathlib import Path
from typing import Any

import av
import pytest

from tests.kit.clips import CLIPS, FILM, decode
from tests.media.material import make_sound
from tests.surfaces.documented import INGEST_PROGRESS, LABELS, VIDEO, check
from tests.surfaces.stripes import FRAMES, HEIGHT, PIXEL, RATE, WIDTH, write_stripes
from tests.surfaces.studio import Studio, answered

PICTURE = CLIPS / "bunny_sideways.jpg"


@pytest.fixture(scope="module")
def film(studio: Studio, premiere: str) -> dict[str, Any]:
    """What is known of the film that was wholly ingested."""
    return details(studio, premiere)


@pytest.fixture(scope="module")
def fields(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is known of an interlaced video whose pixels are not square."""
    path = tmp_path_factory.mktemp("fields") / "fields.ts"
    write_stripes(path)
    video = studio.video()
    answered(studio.upload(video, path))
    assert studio.ended(video)["ingestionStatus"] == "DONE"
    return details(studio, video)


def details(studio: Studio, video: str) -> dict[str, Any]:
    """All that is known of a video, which is what is documented and nothing else."""
    found = answered(studio.get(f"video/{video}"))
    check(found, {"video": VIDEO})
    whole: dict[str, Any] = found["video"]
    return whole


def test_upload_and_states(studio: Studio, film: dict[str, Any]) -> None:
    assert (film["userId"], film["teamId"]) == (studio.user, studio.team)
    assert (film["name"], film["description"], film["attributes"]) == ("Première", "", {})
    upload_state = film["upload"].pop("uploadState")
    assert upload_state["uploadStatus"] == "DONE"
    assert film["upload"] == {
        "hasFinishedUploading": True,
        "fileName": FILM.name,
        "fileSize": FILM.stat().st_size,
        "fileType": "video/mp4",
        "fileContainerName": "QuickTime / MOV",
        "fileTimeLastModified": upload_state["updatedAt"],
    }
    state = film["ingestion"]["ingestionState"]
    assert state == {
        "updatedAt": state["updatedAt"],
        "ingestionStatus": "DONE",
        "videoMetadataAvailable": True,
        "videoMetadataCommitted": True,
        "processingProgressPercent": 100.0,
        "thumbnailsAvailable": True,
        "webVideoAvailable": True,
    }
    assert "processing" not in film


def test_metadata(film: dict[str, Any]) -> None:
    with av.open(str(FILM)) as container:
        stream = container.streams.video[0]
        stream_size = sum(packet.size for packet in container.demux(stream))
    facts = decode(FILM)
    assert film["ingestion"]["metadata"] == {
        "containerName": "mov,mp4,m4a,3gp,3g2,mj2",
        "longContainerName": "QuickTime / MOV",
        "codecName": "h264",
        "longCodecName": "H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10",
        "pixelFormat": {"name": "yuv420p", "chromaSubsampling": {"yuv": "4:2:0", "bits": 8}},
        "frameWidth": facts.width,
        "frameHeight": facts.height,
        "scanning": {
            "metadata": {"scanningType": "progressive"},
            "heuristics": {"scanningType": "progressive"},
        },
        "averageFramerate": 24.0,
        "durationInMillis": round(facts.seconds * 1000),
        "totalFrames": facts.frames,
        "size": FILM.stat().st_size,
        "videoStreamSize": stream_size,
        "primaryBitDepth": 8,
    }


def test_metadata_of_an_interlaced_video(fields: dict[str, Any]) -> None:
    metadata = fields["ingestion"]["metadata"]
    bottom = {"scanningType": "interlaced", "interlacedFieldOrder": "bottom_first"}
    assert metadata["scanning"] == {"metadata": bottom, "heuristics": bottom}
    assert (metadata["frameWidth"], metadata["frameHeight"]) == (WIDTH, HEIGHT)
    assert metadata["displayAspectRatio"] == pytest.approx(float(WIDTH * PIXEL / HEIGHT), rel=0.001)
    assert (metadata["containerName"], metadata["codecName"]) == ("mpegts", "mpeg2video")
    assert (metadata["averageFramerate"], metadata["totalFrames"]) == (RATE, FRAMES)
    assert metadata["durationInMillis"] == 1000


def test_quality(film: dict[str, Any]) -> None:
    quality = film["ingestion"]["qualityAssessment"]
    metrics = quality["metrics"]
    assert [each["name"] for each in metrics] == ["noise", "details", "colors"]
    ladder = ("untenable", "poor", "fair", "good", "excellent")
    assert set(ladder) == LABELS
    for each in metrics:
        assert each["subjectiveLabel"] == ladder[min(int(each["subjectiveScore"]), 4)]
    mean = sum(each["subjectiveScore"] for each in metrics) / 3
    assert quality["overallSubjectiveScore"] == pytest.approx(mean)


def test_progress_is_documented_from_the_beginning_to_the_end(studio: Studio) -> None:
    video = studio.video()
    first = answered(studio.get(f"check-ingest-video-progress/{video}"))
    answered(studio.upload(video, FILM))
    seen = [first]
    while seen[-1]["ingestionState"]["ingestionStatus"] not in ("DONE", "ERROR"):
        seen.append(answered(studio.get(f"check-ingest-video-progress/{video}")))
        check(seen[-1], INGEST_PROGRESS)
    states = [each["ingestionState"] for each in seen]
    statuses = [each["ingestionStatus"] for each in states]
    assert list(dict.fromkeys(statuses)) == ["INITIAL", "IN_PROGRESS", "DONE"]
    percents = [each["processingProgressPercent"] for each in states]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0.0, 100.0)
    early = next(each for each in states if each["videoMetadataAvailable"])
    assert (early["ingestionStatus"], early["videoMetadataCommitted"]) == ("IN_PROGRESS", False)
    assert any("etaSeconds" in each for each in states)
    assert all("errorMessage" not in each for each in states)
    assert "etaSeconds" not in states[-1]


def test_light_ingestion_makes_no_more_than_metadata(studio: Studio, film: dict[str, Any]) -> None:
    light = details(studio, studio.ingested(FILM))
    ingestion = light["ingestion"]
    scanning = ingestion["metadata"].pop("scanning")
    assert scanning == {"metadata": {"scanningType": "progressive"}}
    whole = {key: film["ingestion"]["metadata"][key] for key in ingestion["metadata"]}
    assert ingestion["metadata"] == whole
    assert film["ingestion"]["metadata"].keys() - whole.keys() == {"scanning"}
    assert "qualityAssessment" not in ingestion
    state = ingestion["ingestionState"]
    assert state["ingestionStatus"] == "DONE"
    assert state["thumbnailsAvailable"] is state["webVideoAvailable"] is False
    for kind in ("screenshot/small", "screenshot/large", "web", "storyboard"):
        assert studio.download(f"{kind}/{light['id']}").status_code == 404


def spoilt(folder: Path, what: str) -> Path:
    """A file that is no whole video."""
    if what == "picture":
        return PICTURE
    path = folder / f"{what}.mp4"
    if what == "sound":
        make_sound(path)
    elif what == "text":
        path.write_bytes(b"this is no video " * 100)
    else:
        path.write_bytes(FILM.read_bytes()[:200_000])
    return path


@pytest.mark.parametrize("light", [False, True], ids=["whole", "light"])
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("sound", "sound only"),
        ("picture", "is a picture, not a video"),
        ("text", "is a text, not a video"),
        ("cut", "cut off"),
    ],
)
def test_what_is_no_video_ends_in_error_with_a_reason(
    studio: Studio, tmp_path: Path, what: str, said: str, light: bool
) -> None:
    video = studio.video()
    answered(studio.upload(video, spoilt(tmp_path, what), light=light))
    state = studio.ended(video)
    assert state["ingestionStatus"] == "ERROR"
    assert said in state["errorMessage"]
    assert state["videoMetadataCommitted"] is False
    assert state["thumbnailsAvailable"] is state["webVideoAvailable"] is False
    found = details(studio, video)
    assert found["ingestion"]["ingestionState"] == state
    assert found["upload"]["uploadState"]["uploadStatus"] == "DONE"
    assert "qualityAssessment" not in found["ingestion"]
