"""`process-video` from the request to the ledger and back."""

import pytest
from google.protobuf.struct_pb2 import Value

from services.chassis.errors import Invalid, WrongState
from tests.videos.conftest import OURS, PUBLIC_URL, House
from vitascope.media.v1 import internal_pb2 as media_pb2
from vitascope.media.v1 import operations_pb2
from vitascope.videos.v1 import videos_pb2
from vitascope.work.v1 import work_pb2

FULL_HD = videos_pb2.Resolution(tag="hd_1080p")


async def test_a_processing_runs_from_request_to_done(house: House) -> None:
    project = (await house.ask("CreateProject", videos_pb2.CreateProjectRequest(name="p"))).project
    source = await house.ingested(name="Film", project_id=project.id)
    answer = await house.ask(
        "ProcessVideo",
        videos_pb2.ProcessVideoRequest(
            video_id=source,
            media_container_codec=videos_pb2.MediaContainerCodec(container="MOV", codec="h264"),
            scaler="scale",
            resolution=FULL_HD,
            range=videos_pb2.Range(start_position_milliseconds=0, end_position_milliseconds=5000),
        ),
    )
    child = answer.processed_video_id
    assert (answer.source_video_id, answer.project_id) == (source, project.id)
    checking = f"{PUBLIC_URL}/videos/v1/check-process-video-progress/{child}"
    assert answer.check_progress_url == checking
    assert answer.download_media_url == f"{PUBLIC_URL}/media/v1/download/processed/{child}"

    await house.dispatcher.submit_pending()
    submission = house.ledger.submissions[-1]
    assert (submission.owner, submission.request_id) == ("videos", f"process:{child}")
    assert (submission.account_id, submission.kind) == (OURS, "video.process")
    assert submission.destination.video == media_pb2.VideoDestination(video_id=child)
    bitrate = round(560_000 * (1890 * 1080) / (560 * 320))
    assert operations_pb2.VideoProcessSpec.FromString(submission.spec) == (
        operations_pb2.VideoProcessSpec(
            source_video_id=source,
            video_id=child,
            container="mov",
            codec="h264",
            width=1890,
            height=1080,
            bitrate=bitrate,
            pixel_format="yuv420p",
            file_name="film.mov",
            scaler="scale",
        )
    )

    name = f"process:{child}"
    await house.feed_work(name, work_pb2.STATE_EXECUTING, percent=42.5, eta_seconds=7.5)
    request = videos_pb2.CheckProcessProgressRequest(video_id=child)
    progress = await house.ask("CheckProcessProgress", request)
    assert (progress.video_id, progress.project_id) == (child, project.id)
    state = progress.processing_state
    assert (state.processing_status, state.processing_progress_percent) == ("IN_PROGRESS", 42.5)
    assert state.eta_seconds == 7.5
    video = await house.video(child)
    assert video.ingestion.ingestion_state.ingestion_status == "INITIAL"

    made = operations_pb2.VideoMetadata(frame_width=1890, frame_height=1080, size=10)
    result = operations_pb2.VideoProcessResult(metadata=made)
    await house.feed_work(name, work_pb2.STATE_SUCCESS, result=result.SerializeToString())
    video = await house.video(child)
    state = video.processing.processing_state
    assert (state.processing_status, state.processing_progress_percent) == ("DONE", 100.0)
    assert not state.HasField("eta_seconds")
    assert state.updated_at.seconds
    assert video.ingestion.metadata == made
    assert video.ingestion.ingestion_state.ingestion_status == "DONE"
    assert video.ingestion.ingestion_state.video_metadata_committed
    assert (video.name, video.parent_id) == ("Film (1890x1080 h264)", source)
    assert not video.HasField("upload")
    happenings = [e.WhichOneof("happening") for e in await house.events() if e.video_id == child]
    assert happenings == ["created", "processing_progressed", "processing_finished"]

    parameters = video.processing.processing_parameters
    assert parameters.source_video.start_position_milliseconds == 0
    assert parameters.source_video.end_position_milliseconds == 5000
    target = parameters.target_video
    assert (target.container.name, target.codec.name) == ("mov", "h264")
    assert target.container.HasField("properties")
    assert target.codec.HasField("properties")
    assert target.pixel_format.name == "yuv420p"
    assert target.pixel_format.chroma_subsampling.yuv == "4:2:0"
    assert target.pixel_format.chroma_subsampling.bits == 8
    assert target.bitrate == bitrate
    assert (target.frame_width, target.frame_height) == (1890, 1080)
    [scale] = target.video_filters
    assert scale.name == "scale"
    assert dict(scale.properties) == {"width": 1890, "height": 1080}


async def test_without_a_resolution_nothing_is_scaled(house: House) -> None:
    source = await house.ingested()
    child = await house.processed(source)
    target = (await house.video(child)).processing.processing_parameters.target_video
    assert (target.frame_width, target.frame_height, target.bitrate) == (560, 320, 560_000)
    assert not target.video_filters


async def test_only_ingested_originals_are_processed(house: House) -> None:
    waiting = await house.create()
    uploaded = await house.create()
    await house.upload(uploaded)
    failed = await house.create()
    await house.upload(failed)
    await house.feed_work(f"ingest:{failed}", work_pb2.STATE_ERROR, error_message="not a video")
    for video_id in (waiting, uploaded, failed):
        request = videos_pb2.ProcessVideoRequest(video_id=video_id)
        error = await house.refused("ProcessVideo", request)
        assert isinstance(error, WrongState)
        assert error.reason == "VideoNotIngestedException"

    child = await house.processed(await house.ingested())
    request = videos_pb2.ProcessVideoRequest(video_id=child)
    error = await house.refused("ProcessVideo", request)
    assert isinstance(error, WrongState)
    assert error.reason == "VideoNotOriginalException"


EVERYTHING = videos_pb2.ProcessVideoRequest(
    media_container_codec=videos_pb2.MediaContainerCodec(container="a", codec="a"),
    apple_prores_profile="a",
    dnxhd_hr_profile="a",
    scanning=videos_pb2.Scanning(tag="a", scanning_type="a", interlaced_field_order="a"),
    chroma_subsampling=videos_pb2.ChromaSubsampling(yuv="a", bits=3),
    bitrate=videos_pb2.Bitrate(mbps=0),
    deinterlacer="a",
    denoiser="a",
    stabilizer="a",
    scaler="a",
    resolution=videos_pb2.Resolution(tag="a", width=1, height=1, aspect_ratio_tag="a"),
    clarity_boost=Value(string_value="a"),
    frame_rate_converter="a",
    frame_rate=videos_pb2.FrameRate(tag="a", fps=0),
    post_processor="a",
    range=videos_pb2.Range(start_position_milliseconds=-1),
)


async def test_every_documented_field_is_looked_at(house: House) -> None:
    request = videos_pb2.ProcessVideoRequest()
    request.CopyFrom(EVERYTHING)
    request.video_id = await house.ingested()
    error = await house.refused("ProcessVideo", request)
    assert isinstance(error, Invalid)
    assert {violation.field for violation in error.violations} == {
        *("mediaContainerCodec.container", "mediaContainerCodec.codec"),
        *("appleProresProfile", "dnxhdHrProfile"),
        *("scanning.tag", "scanning.scanningType", "scanning.interlacedFieldOrder"),
        *("chromaSubsampling.yuv", "chromaSubsampling.bits", "bitrate.mbps"),
        *("deinterlacer", "denoiser", "stabilizer", "scaler", "clarityBoost"),
        *("resolution.tag", "resolution.width", "resolution.height", "resolution.aspectRatioTag"),
        *("frameRateConverter", "frameRate.fps", "frameRate.tag", "postProcessor"),
        "range.startPositionMilliseconds",
    }
    assert len((await house.ask("ListVideos", videos_pb2.ListVideosRequest())).embedded.videos) == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Value(number_value=3.0), "'3' is not available yet"),
        (Value(number_value=7), "'7' is not one of"),
        (Value(number_value=0.5), "'0.5' is not one of"),
        (Value(bool_value=True), "'bool' is not one of"),
    ],
)
async def test_clarity_boost_is_a_word_or_a_number(house: House, value: Value, said: str) -> None:
    video = await house.ingested()
    request = videos_pb2.ProcessVideoRequest(video_id=video, clarity_boost=value)
    error = await house.refused("ProcessVideo", request)
    assert said in error.message


async def test_no_clarity_boost_is_nothing_to_refuse(house: House) -> None:
    video = await house.ingested()
    for value in (Value(number_value=0), Value(string_value="NONE"), Value(null_value=None)):
        request = videos_pb2.ProcessVideoRequest(video_id=video, clarity_boost=value)
        await house.ask("ProcessVideo", request)
