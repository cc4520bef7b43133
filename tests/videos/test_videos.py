"""Videos by gRPC: making, every documented field, pages, deletion, look-up."""

from uuid import uuid4

import grpc
import pytest

from services.chassis.errors import Invalid, NotFound
from tests.videos.conftest import OURS, PUBLIC_URL, THEIRS, House
from tests.videos.doubles import METADATA
from vitascope.media.v1 import events_pb2 as media_events_pb2
from vitascope.media.v1 import operations_pb2
from vitascope.videos.v1 import videos_pb2
from vitascope.work.v1 import work_pb2


async def test_a_new_video_waits_for_its_upload(house: House) -> None:
    project = await house.ask("CreateProject", videos_pb2.CreateProjectRequest(name="p"))
    made = await house.ask(
        "CreateVideo", videos_pb2.CreateVideoRequest(name="Film", project_id=project.project.id)
    )
    assert made.project_id == project.project.id
    assert made.upload_media_url == f"{PUBLIC_URL}/media/v1/upload/{made.video_id}"
    assert made.upload_light_media_url == f"{PUBLIC_URL}/media/v1/upload/light/{made.video_id}"
    assert made.process_video_url == f"{PUBLIC_URL}/videos/v1/process-video/{made.video_id}"

    video = await house.video(made.video_id)
    assert (video.id, video.name, video.project_id) == (made.video_id, "Film", made.project_id)
    assert (video.user_id, video.team_id) == ("ann", OURS)
    assert video.HasField("description")
    assert video.HasField("attributes")
    assert video.upload.upload_state.upload_status == "INITIAL"
    assert video.upload.upload_state.updated_at == video.date_created == video.time_last_updated
    assert not video.upload.has_finished_uploading
    assert not video.upload.HasField("file_name")
    assert video.ingestion.ingestion_state.ingestion_status == "INITIAL"
    assert not video.ingestion.HasField("metadata")
    assert not video.HasField("processing")
    assert not video.HasField("parent_id")
    [event] = await house.events()
    assert event.WhichOneof("happening") == "created"
    assert (event.team_id, event.project_id) == (video.team_id, video.project_id)


async def test_neither_name_nor_project_is_needed(house: House) -> None:
    made = await house.ask("CreateVideo", videos_pb2.CreateVideoRequest())
    assert not made.HasField("project_id")
    video = await house.video(made.video_id)
    assert (video.name, video.HasField("project_id")) == ("", False)
    await house.upload(made.video_id, "holiday.mov")
    assert (await house.video(made.video_id)).name == "holiday.mov"


@pytest.mark.parametrize("name", ["  ", "a\0b", "x" * 256])
async def test_names_that_no_video_has(house: House, name: str) -> None:
    error = await house.refused("CreateVideo", videos_pb2.CreateVideoRequest(name=name))
    assert isinstance(error, Invalid)
    assert [violation.field for violation in error.violations] == ["name"]


async def test_an_ingested_video_shows_every_documented_field(house: House) -> None:
    video_id = await house.create(name="Film")
    await house.upload(video_id, "film.mp4", size=400_000, content_type="video/mp4")
    metric = operations_pb2.QualityMetric(
        name="noise", sample_mean=1.5, subjective_label="good", subjective_score=3.5
    )
    quality = operations_pb2.QualityAssessment(metrics=[metric], overall_subjective_score=3.5)
    result = operations_pb2.VideoIngestResult(
        metadata=METADATA, quality_assessment=quality, thumbnails=True, web_video=True
    )
    await house.feed_work(
        f"ingest:{video_id}", work_pb2.STATE_SUCCESS, result=result.SerializeToString()
    )

    video = await house.video(video_id)
    upload = video.upload
    assert upload.upload_state.upload_status == "DONE"
    assert upload.has_finished_uploading
    assert (upload.file_name, upload.file_size) == ("film.mp4", 400_000)
    assert (upload.file_type, upload.file_container_name) == ("video/mp4", "QuickTime / MOV")
    state = video.ingestion.ingestion_state
    assert state.ingestion_status == "DONE"
    assert state.video_metadata_available
    assert state.video_metadata_committed
    assert state.processing_progress_percent == 100.0
    assert state.thumbnails_available
    assert state.web_video_available
    assert not state.HasField("error_message")
    assert state.updated_at.ToNanoseconds() > upload.upload_state.updated_at.ToNanoseconds()
    assert video.ingestion.metadata == METADATA
    assert video.ingestion.quality_assessment == quality
    assert video.name == "Film"

    request = videos_pb2.CheckIngestProgressRequest(video_id=video_id)
    progress = await house.ask("CheckIngestProgress", request)
    assert (progress.video_id, progress.ingestion_state) == (video_id, state)
    assert not progress.HasField("project_id")


async def test_lists_are_filtered_and_paged(house: House) -> None:
    project = (await house.ask("CreateProject", videos_pb2.CreateProjectRequest(name="p"))).project
    inside = await house.ingested(name="inside", project_id=project.id)
    await house.create(name="outside")
    child = await house.processed(inside)
    await house.create(THEIRS, name="theirs")

    page = await house.ask("ListVideos", videos_pb2.ListVideosRequest())
    assert page.embedded.total_found == 3
    assert page.embedded.videos[-1].name == "inside"

    request = videos_pb2.ListVideosRequest(project_id=project.id, page_size=1)
    page = await house.ask("ListVideos", request)
    assert (page.embedded.total_found, page.page_size) == (2, 1)
    address = f"{PUBLIC_URL}/videos/v1/videos?project-id={project.id}"
    assert page.links.next.href == f"{address}&page=2&page-size=1"
    assert page.embedded.videos[0].id == child

    page = await house.ask("ListVideos", videos_pb2.ListVideosRequest(parent_id=inside))
    [listing] = page.embedded.videos
    assert listing.links.self.href == f"{PUBLIC_URL}/videos/v1/video/{child}"
    assert (listing.id, listing.parent_id, listing.project_id) == (child, inside, project.id)
    assert (listing.name, listing.filename) == ("inside (560x320 h264)", "film.mp4")
    assert listing.date_created.seconds
    assert listing.time_last_updated.seconds


async def test_an_unknown_filter_gives_an_empty_page(house: House) -> None:
    video = await house.create()
    for filters in (
        videos_pb2.ListVideosRequest(project_id=str(uuid4())),
        videos_pb2.ListVideosRequest(parent_id=str(uuid4())),
        videos_pb2.ListVideosRequest(project_id="no id"),
        videos_pb2.ListVideosRequest(parent_id=""),
        videos_pb2.ListVideosRequest(parent_id="a\0b"),
        videos_pb2.ListVideosRequest(parent_id=video),
    ):
        page = await house.ask("ListVideos", filters)
        assert page.embedded.total_found == 0
        assert not page.embedded.videos


async def test_other_teams_unknown_and_malformed_videos_are_not_found(house: House) -> None:
    video = await house.ingested()
    for video_id, team in (
        (video, THEIRS),
        (str(uuid4()), OURS),
        (f"{video}x", OURS),
        ("", OURS),
        ("a\0b", OURS),
    ):
        for name in (
            *("GetVideo", "ProcessVideo", "DeleteVideo"),
            *("CheckIngestProgress", "CheckProcessProgress"),
        ):
            request = getattr(videos_pb2, f"{name}Request")(video_id=video_id)
            error = await house.refused(name, request, team)
            assert isinstance(error, NotFound)
            assert error.reason == "VideoNotFoundException"


async def test_each_progress_is_asked_of_its_own_kind(house: House) -> None:
    original = await house.ingested()
    child = await house.processed(original)
    for name, video_id in (("CheckProcessProgress", original), ("CheckIngestProgress", child)):
        request = getattr(videos_pb2, f"{name}Request")(video_id=video_id)
        assert isinstance(await house.refused(name, request), NotFound)


async def test_deleting_an_original_takes_its_children_and_their_work_along(house: House) -> None:
    original = await house.ingested()
    children = [await house.processed(original) for _ in range(2)]
    bystander = await house.create()
    await house.feed_work(
        f"process:{children[0]}",
        work_pb2.STATE_SUCCESS,
        result=operations_pb2.VideoProcessResult(metadata=METADATA).SerializeToString(),
    )
    answer = await house.ask("DeleteVideo", videos_pb2.DeleteVideoRequest(video_id=original))
    gone = [each.video_id for each in answer.deleted_videos]
    assert gone == [original, *children]
    for video_id in gone:
        request = videos_pb2.GetVideoRequest(video_id=video_id)
        assert isinstance(await house.refused("GetVideo", request), NotFound)
    assert house.ledger.cancelled == [f"process:{children[1]}"]
    events = await house.events()
    assert [e.video_id for e in events if e.WhichOneof("happening") == "deleted"] == gone
    await house.video(bystander)


async def test_deleting_a_child_leaves_its_original(house: House) -> None:
    original = await house.ingested()
    child = await house.processed(original)
    answer = await house.ask("DeleteVideo", videos_pb2.DeleteVideoRequest(video_id=child))
    assert [each.video_id for each in answer.deleted_videos] == [child]
    assert house.ledger.cancelled == [f"process:{child}"]
    await house.video(original)


async def test_a_video_can_be_deleted_while_the_ledger_is_away(house: House) -> None:
    video = await house.create()
    await house.upload(video)
    house.ledger.away = True
    await house.ask("DeleteVideo", videos_pb2.DeleteVideoRequest(video_id=video))
    house.ledger.away = False
    # What comes late finds nothing, and changes nothing.
    await house.feed_media(video, upload_started=media_events_pb2.UploadStarted())
    await house.upload(video)
    await house.feed_work(f"ingest:{video}", work_pb2.STATE_EXECUTING, percent=10)
    request = videos_pb2.GetVideoRequest(video_id=video)
    assert isinstance(await house.refused("GetVideo", request), NotFound)


async def test_the_suite_looks_up_any_teams_video(house: House) -> None:
    original = await house.ingested(name="Film")
    child = await house.processed(original)
    found = await house.look_up(child)
    assert (found.video_id, found.team_id) == (child, OURS)
    assert (found.parent_id, found.name) == (original, "Film (560x320 h264)")
    assert not found.HasField("project_id")
    found = await house.look_up(original)
    assert not found.HasField("parent_id")


@pytest.mark.parametrize("video_id", [str(uuid4()), "", "a\0b"])
async def test_looking_up_an_unknown_video(house: House, video_id: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await house.look_up(video_id)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_users_cannot_look_up(house: House) -> None:
    video = await house.create()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await house.look_up(video, house.callers.bearer())
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
