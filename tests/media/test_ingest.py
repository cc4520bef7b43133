"""The kind `video.ingest`, and its metadata beside what ffprobe and MediaInfo say."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from services.media.engine.failure import BadMedia
from services.media.engine.probe import VideoFacts, probe
from services.media.operations import REGISTRY, Job, Result, SourceFile
from services.media.operations.steps import Steps
from tests.media import oracles
from tests.media.filtering import lossless
from tests.media.material import COLLECTION, FILM, collection, make_sound, unheard
from tests.media.measure import shown
from vitascope.media.v1 import internal_pb2
from vitascope.media.v1.operations_pb2 import VideoIngestResult, VideoIngestSpec

OPERATION = REGISTRY["video.ingest"]
# A codec that the program of Debian's does not know; no declared length; times of the program's
# own making; packets that hold nothing but are shown; and sound alone.
ODD = (
    *("video/vvc_h266.mp4", "video/fragmented_h264_aac.mp4", "video/eac3_audio_only.mp4"),
    *("video_interlaced/avcintra_1080i59_separate_fields_tff.h264",),
)
FILMS = collection("video", "derived", without=ODD)


def ingested(
    path: Path, folder: Path, *, light: bool = False
) -> tuple[Result, list[VideoIngestResult], list[float]]:
    """Ingest a file; return what was made, what was known on the way, and the way."""
    known: list[VideoIngestResult] = []
    progress: list[float] = []

    def partial(result: Any) -> None:
        known.append(VideoIngestResult.FromString(result.SerializeToString()))

    sources = {"original": SourceFile(path, path.name, None)}
    spec = VideoIngestSpec(video_id="v", light=light)
    job = Job(spec, sources, folder, progress.append, partial=partial)
    result = OPERATION.run(job)
    assert isinstance(result, Result)
    return result, known, progress


def test_whole_ingestion(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    lossless(path, FILM, "trim=end_frame=60,setfield=tff")

    result, known, progress = ingested(path, tmp_path)

    found = result.message
    assert isinstance(found, VideoIngestResult)
    assert found.metadata.total_frames == 60
    assert found.metadata.scanning.heuristics.scanning_type == "progressive"
    assert not found.metadata.scanning.heuristics.HasField("pulldown")
    assert [each.name for each in found.quality_assessment.metrics] == [
        "noise",
        "details",
        "colors",
    ]
    assert found.thumbnails
    assert found.web_video
    assert {output.name: OPERATION.roles[output.name] for output in result.outputs} == {
        "thumbnail_small": internal_pb2.ROLE_THUMBNAIL_SMALL,
        "thumbnail_large": internal_pb2.ROLE_THUMBNAIL_LARGE,
        "web_video": internal_pb2.ROLE_WEB_VIDEO,
        "storyboard": internal_pb2.ROLE_STORYBOARD,
        "storyboard_index": internal_pb2.ROLE_STORYBOARD_INDEX,
    }
    files = {output.name: output for output in result.outputs}
    assert len(shown(files["web_video"].path).times) == 60
    assert files["storyboard"].file_name in files["storyboard_index"].path.read_text()
    assert progress == sorted(progress)
    assert progress[-1] == 100
    assert len(set(progress)) > 50
    # First what the file holds, then what its pictures show.
    first, second, third = known
    assert first.metadata.total_frames == 60
    assert not first.metadata.scanning.HasField("heuristics")
    assert second.metadata == third.metadata == found.metadata
    assert not second.HasField("quality_assessment")
    assert third.quality_assessment == found.quality_assessment
    assert not any(each.thumbnails or each.web_video for each in known)


def test_light_ingestion_reads_metadata_only(tmp_path: Path) -> None:
    result, known, progress = ingested(FILM, tmp_path, light=True)
    found = result.message
    assert isinstance(found, VideoIngestResult)
    assert found.metadata.total_frames == 144
    assert not found.metadata.scanning.HasField("heuristics")
    assert not found.HasField("quality_assessment")
    assert not found.thumbnails
    assert not found.web_video
    assert result.outputs == ()
    assert known == []
    assert progress[-1] == 100
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("light", [True, False])
def test_sound_is_refused_whichever_way(tmp_path: Path, light: bool) -> None:
    path = tmp_path / "sound.mp4"
    make_sound(path)
    with pytest.raises(BadMedia, match="The file holds sound only, no video"):
        ingested(path, tmp_path, light=light)


def test_steps_add_up_and_never_fall() -> None:
    told: list[float] = []
    steps = Steps({"a": 1, "b": 3}, told.append)
    first, second = steps.progress("a"), steps.progress("b")
    for percent in (0.0, 50.0, 100.0):
        first(percent)
    for percent in (0.0, 50.0, 20.0, 120.0):
        second(percent)
    assert told == [0.0, 12.5, 25.0, 25.0, 62.5, 62.5, 100.0]


@pytest.mark.parametrize("name", FILMS)
def test_metadata_is_as_ffprobe_says(name: str) -> None:
    path = COLLECTION / name
    facts, said = probe(path, unheard), _packets(path)
    stream = said["stream"]
    assert facts.codec_name == stream["codec_name"]
    assert facts.pixels.name == stream["pix_fmt"]
    assert (facts.width, facts.height) == (stream["width"], stream["height"])
    assert facts.stream_size == sum(int(packet["size"]) for packet in said["packets"])
    assert facts.container_name == said["format"]["format_name"]
    assert facts.size == int(said["format"]["size"])
    order = {"tt": "top_first", "tb": "top_first", "bb": "bottom_first", "bt": "bottom_first"}
    told = stream.get("field_order", "unknown")
    if told != "unknown":
        assert facts.field_order == order.get(told)
    if "mov" in facts.container_name:
        # MOV tells its length to the tick.
        assert float(facts.duration) == pytest.approx(float(stream["duration"]), abs=1e-4)


def _packets(path: Path) -> dict[str, Any]:
    """The picture's stream and packets by ffprobe."""
    command = [
        oracles.program("ffprobe"),
        "-v",
        "error",
        "-show_streams",
        "-show_format",
        "-show_packets",
    ]
    command += ["-select_streams", "v", "-of", "json", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    said: dict[str, Any] = json.loads(run.stdout)
    shown = [each for each in said["streams"] if not each["disposition"]["attached_pic"]]
    best = max(shown, key=lambda each: each["width"] * each["height"])
    packets = [each for each in said["packets"] if each["stream_index"] == best["index"]]
    return {"stream": best, "packets": packets, "format": said["format"]}


# Where MediaInfo counts otherwise: it takes lines above the picture off (IMX), frames that are
# dropped or lost for shown, and times of a clip cut by its edit list.
_OTHERWISE = (
    *("video/mpeg2_mp2_bbb.ts", "video/wmv2_wmav2.wmv", "video/mpeg4_mp3.avi"),
    *("video/hlg_dolbyvision_iphone_rot90_hevc.mp4", "video_interlaced/d10_imx50_576i_tff.mxf"),
    *("video_interlaced/sony_1080i50_h264_ac3.mts", "video/nasa_two_video_streams.mp4"),
    *("video/bbb_642x642_vp9_square.webm", "video/subs_ssa_h264_aac.mkv"),
)


@pytest.mark.parametrize(
    "name", collection("video", "derived", without=("video/eac3_audio_only.mp4", *_OTHERWISE))
)
def test_metadata_is_as_mediainfo_says(name: str) -> None:
    path = COLLECTION / name
    facts, said = probe(path, unheard), oracles.mediainfo(path)
    for one, other in _comparable(facts, said):
        assert one == other, said


def _comparable(facts: VideoFacts, said: dict[str, Any]) -> list[tuple[object, object]]:
    """What both tell: MediaInfo is silent about some."""
    pairs: list[tuple[object, object]] = [
        ((facts.width, facts.height), (int(said["Width"]), int(said["Height"])))
    ]
    if "FrameCount" in said:
        pairs.append((facts.frames, int(said["FrameCount"])))
    if "Duration" in said and "FrameCount" in said and not _is_bare(facts):
        rounded = pytest.approx(float(said["Duration"]), abs=0.0021)
        pairs.append((float(facts.duration), rounded))
    if "BitDepth" in said:
        pairs.append((facts.pixels.bits, int(said["BitDepth"])))
    if "ChromaSubsampling" in said and facts.pixels.subsampling:
        pairs.append((facts.pixels.subsampling, said["ChromaSubsampling"]))
    if said.get("ScanType") in ("Progressive", "Interlaced"):
        pairs.append((facts.scanning, said["ScanType"].lower()))
    if "mov" in facts.container_name and "StreamSize" in said:
        pairs.append((facts.stream_size, int(said["StreamSize"])))
    return pairs


def _is_bare(facts: VideoFacts) -> bool:
    return facts.container_name == "h264"
