"""Events of media and of the ledger: in order, late, twice, and about others."""

import pytest

from tests.videos.conftest import OURS, House
from tests.videos.doubles import METADATA, stored
from vitascope.media.v1 import events_pb2 as media_events_pb2
from vitascope.media.v1 import internal_pb2 as media_pb2
from vitascope.media.v1 import operations_pb2
from vitascope.videos.v1 import videos_pb2
from vitascope.work.v1 import events_pb2 as work_events_pb2
from vitascope.work.v1 import work_pb2

STARTED = media_events_pb2.UploadStarted()
ABANDONED = media_events_pb2.UploadAbandoned()
RESULT = operations_pb2.VideoIngestResult(metadata=METADATA).SerializeToString()


async def statuses(house: House, video_id: str) -> tuple[str, str, float]:
    video = await house.video(video_id)
    state = video.ingestion.ingestion_state
    return (
        video.upload.upload_state.upload_status,
        state.ingestion_status,
        state.processing_progress_percent,
    )


async def happenings(house: House) -> list[str | None]:
    return [event.WhichOneof("happening") for event in await house.events()]


async def test_an_upload_is_followed_to_the_end(house: House) -> None:
    video = await house.create()
    await house.feed_media(video, upload_started=STARTED)
    assert await statuses(house, video) == ("IN_PROGRESS", "INITIAL", 0.0)
    await house.upload(video)
    assert await statuses(house, video) == ("DONE", "IN_PROGRESS", 0.0)
    await house.dispatcher.submit_pending()
    [submission] = house.ledger.submissions
    assert (submission.owner, submission.request_id) == ("videos", f"ingest:{video}")
    assert (submission.account_id, submission.kind) == (OURS, "video.ingest")
    assert operations_pb2.VideoIngestSpec.FromString(submission.spec) == (
        operations_pb2.VideoIngestSpec(video_id=video)
    )
    name = f"ingest:{video}"
    await house.feed_work(name, work_pb2.STATE_EXECUTING, percent=30, eta_seconds=2)
    assert await statuses(house, video) == ("DONE", "IN_PROGRESS", 30.0)
    assert (await house.video(video)).ingestion.ingestion_state.eta_seconds == 2
    await house.feed_work(name, work_pb2.STATE_SUCCESS, result=RESULT)
    assert await statuses(house, video) == ("DONE", "DONE", 100.0)
    assert await happenings(house) == [
        *("created", "ingestion_progressed", "ingestion_progressed", "ingestion_finished")
    ]
    finished = (await house.events())[-1].ingestion_finished
    assert finished.status == "DONE"
    assert not finished.HasField("error_message")


async def test_a_light_upload_asks_for_light_ingestion(house: House) -> None:
    video = await house.create()
    await house.upload(video, light=True)
    await house.dispatcher.submit_pending()
    [submission] = house.ledger.submissions
    assert operations_pb2.VideoIngestSpec.FromString(submission.spec).light
    assert submission.lane == work_pb2.LANE_SHORT


async def test_whole_ingestion_is_long_work_before_conversions(house: House) -> None:
    original = await house.ingested()
    await house.processed(original)
    await house.dispatcher.submit_pending()
    ingestion, conversion = house.ledger.submissions
    assert ingestion.lane == conversion.lane == work_pb2.LANE_LONG
    assert ingestion.priority < conversion.priority
    assert ingestion.destination.video.video_id == original


def known(**facts: object) -> bytes:
    """What is known of an ingestion's result, serialized."""
    result = operations_pb2.VideoIngestResult(metadata=METADATA)
    for name, fact in facts.items():
        getattr(result, name).CopyFrom(fact)
    return result.SerializeToString()


async def test_metadata_is_there_before_the_end_and_committed_with_it(house: House) -> None:
    video = await house.create()
    await house.upload(video)
    name = f"ingest:{video}"

    async def state() -> tuple[bool, bool, bool, bool]:
        found = (await house.video(video)).ingestion.ingestion_state
        return (
            found.video_metadata_available,
            found.video_metadata_committed,
            found.thumbnails_available,
            found.web_video_available,
        )

    await house.feed_work(name, work_pb2.STATE_EXECUTING, percent=2)
    assert await state() == (False, False, False, False)
    await house.feed_work(name, work_pb2.STATE_EXECUTING, percent=2, result=known())
    assert await state() == (True, False, False, False)
    assert (await house.video(video)).ingestion.metadata == METADATA
    assert (await house.video(video)).upload.file_container_name == "QuickTime / MOV"
    judged = operations_pb2.QualityAssessment(overall_subjective_score=3.5)
    await house.feed_work(
        name, work_pb2.STATE_EXECUTING, percent=20, result=known(quality_assessment=judged)
    )
    # Late, and silent: neither takes away what is known.
    await house.feed_work(name, work_pb2.STATE_EXECUTING, percent=2, result=known())
    await house.feed_work(name, work_pb2.STATE_EXECUTING, percent=30)
    assert (await house.video(video)).ingestion.quality_assessment == judged
    assert await state() == (True, False, False, False)
    refused = videos_pb2.ProcessVideoRequest(video_id=video)
    assert (await house.refused("ProcessVideo", refused)).reason == "VideoNotIngestedException"
    result = operations_pb2.VideoIngestResult(
        metadata=METADATA, quality_assessment=judged, thumbnails=True, web_video=True
    )
    await house.feed_work(name, work_pb2.STATE_SUCCESS, result=result.SerializeToString())
    assert await state() == (True, True, True, True)


async def test_pulldown_is_told_beside_the_documented_fields(house: House) -> None:
    video = await house.create()
    await house.upload(video)
    telecined = operations_pb2.VideoIngestResult(metadata=METADATA)
    found = telecined.metadata.scanning.heuristics
    found.scanning_type, found.pulldown = "interlaced", "3:2"
    await house.feed_work(
        f"ingest:{video}", work_pb2.STATE_SUCCESS, result=telecined.SerializeToString()
    )
    told = await house.video(video)
    assert dict(told.attributes) == {"pulldown": "3:2"}
    assert told.ingestion.metadata.scanning.heuristics.scanning_type == "interlaced"
    assert not told.ingestion.metadata.scanning.heuristics.HasField("pulldown")


async def test_a_failure_keeps_what_was_read_but_commits_nothing(house: House) -> None:
    video = await house.create()
    await house.upload(video)
    name = f"ingest:{video}"
    await house.feed_work(name, work_pb2.STATE_EXECUTING, percent=2, result=known())
    await house.feed_work(name, work_pb2.STATE_ERROR, error_message="The disk was full.")
    state = (await house.video(video)).ingestion.ingestion_state
    assert (state.ingestion_status, state.error_message) == ("ERROR", "The disk was full.")
    assert state.video_metadata_available
    assert not state.video_metadata_committed
    # Of another try.
    await house.feed_work(name, work_pb2.STATE_EXECUTING, percent=1, requeued=1, result=known())
    assert await statuses(house, video) == ("DONE", "IN_PROGRESS", 1.0)


async def test_what_is_known_but_cannot_be_read_is_no_news(house: House) -> None:
    video = await house.create()
    await house.upload(video)
    name = f"ingest:{video}"
    await house.feed_work(name, work_pb2.STATE_EXECUTING, percent=2, result=b"\xff")
    assert await statuses(house, video) == ("DONE", "IN_PROGRESS", 2.0)
    assert not (await house.video(video)).ingestion.ingestion_state.video_metadata_available


async def test_an_abandoned_upload_may_be_tried_again(house: House) -> None:
    video = await house.create()
    await house.feed_media(video, upload_started=STARTED)
    await house.feed_media(video, upload_abandoned=ABANDONED)
    assert await statuses(house, video) == ("INITIAL", "INITIAL", 0.0)
    await house.upload(video)
    assert (await statuses(house, video))[0] == "DONE"


async def test_late_and_repeated_upload_events_change_nothing(house: House) -> None:
    video = await house.create()
    await house.upload(video, "first.mp4")
    before = await house.video(video)
    await house.feed_media(video, upload_started=STARTED)
    await house.feed_media(video, upload_abandoned=ABANDONED)
    await house.upload(video, "second.mp4")
    assert await house.video(video) == before
    await house.dispatcher.submit_pending()
    await house.dispatcher.submit_pending()
    assert len(house.ledger.submissions) == 1


async def test_progress_never_falls_and_an_end_wins(house: House) -> None:
    video = await house.create()
    await house.upload(video)
    name = f"ingest:{video}"
    for state, percent, shown in (
        (work_pb2.STATE_EXECUTING, 40.0, 40.0),
        (work_pb2.STATE_EXECUTING, 40.0, 40.0),
        (work_pb2.STATE_EXECUTING, 10.0, 40.0),
        (work_pb2.STATE_QUEUED, 0.0, 40.0),
        (work_pb2.STATE_EXECUTING, 60.0, 60.0),
    ):
        await house.feed_work(name, state, percent=percent)
        assert await statuses(house, video) == ("DONE", "IN_PROGRESS", shown)
    await house.feed_work(name, work_pb2.STATE_SUCCESS, result=RESULT)
    done = await house.video(video)
    events = await house.events()
    await house.feed_work(name, work_pb2.STATE_EXECUTING, percent=90)
    await house.feed_work(name, work_pb2.STATE_SUCCESS, result=b"")
    await house.feed_work(name, work_pb2.STATE_ERROR, error_message="no")
    assert await house.video(video) == done
    assert await house.events() == events
    assert (await happenings(house)).count("ingestion_progressed") == 3


async def test_an_end_may_come_first(house: House) -> None:
    video = await house.create()
    await house.upload(video)
    await house.feed_work(f"ingest:{video}", work_pb2.STATE_SUCCESS, result=RESULT)
    await house.feed_work(f"ingest:{video}", work_pb2.STATE_EXECUTING, percent=5)
    assert await statuses(house, video) == ("DONE", "DONE", 100.0)
    await house.dispatcher.submit_pending()
    assert not house.ledger.submissions


@pytest.mark.parametrize(
    ("state", "facts", "reason"),
    [
        (work_pb2.STATE_ERROR, {"error_message": "not a video"}, "not a video"),
        (work_pb2.STATE_ERROR, {}, "The work failed."),
        (work_pb2.STATE_CANCELLED, {}, "The work was cancelled."),
        (work_pb2.STATE_SUCCESS, {"result": b"\xff"}, "The result of the work could not be read."),
    ],
)
async def test_a_failure_says_why(
    house: House, state: int, facts: dict[str, object], reason: str
) -> None:
    video = await house.create()
    await house.upload(video)
    await house.feed_work(f"ingest:{video}", work_pb2.STATE_EXECUTING, percent=50)
    await house.feed_work(f"ingest:{video}", state, **facts)
    found = (await house.video(video)).ingestion.ingestion_state
    assert (found.ingestion_status, found.error_message) == ("ERROR", reason)
    assert found.processing_progress_percent == 50
    assert not found.video_metadata_available
    finished = (await house.events())[-1].ingestion_finished
    assert (finished.status, finished.error_message) == ("ERROR", reason)


async def test_what_is_about_others_is_let_be(house: House) -> None:
    video = await house.create()
    before = await house.video(video)
    item = work_pb2.Item(
        owner="tasks", request_id=f"ingest:{video}", state=work_pb2.STATE_SUCCESS, result=RESULT
    )
    await house.feed("vitascope.work.v1", work_events_pb2.WorkEvent(item=item))
    processed = stored(video)
    processed.role = media_pb2.ROLE_PROCESSED
    await house.feed_media(video, media_stored=media_events_pb2.MediaStored(media=processed))
    await house.feed_work(f"process:{video}", work_pb2.STATE_SUCCESS, result=RESULT)
    await house.feed_work("something else", work_pb2.STATE_EXECUTING, percent=5)
    assert await house.video(video) == before


@pytest.mark.parametrize("end", [work_pb2.STATE_ERROR, work_pb2.STATE_CANCELLED])
async def test_work_that_an_operator_tries_again_goes_on(
    house: House, end: work_pb2.State.ValueType
) -> None:
    video = await house.create()
    await house.upload(video)
    name = f"ingest:{video}"
    await house.feed_work(name, work_pb2.STATE_EXECUTING, percent=60)
    await house.feed_work(name, end, error_message="The disk was full.")
    assert await statuses(house, video) == ("DONE", "ERROR", 60.0)
    await house.feed_work(name, work_pb2.STATE_QUEUED, requeued=1)
    assert await statuses(house, video) == ("DONE", "IN_PROGRESS", 0.0)
    state = (await house.video(video)).ingestion.ingestion_state
    assert not state.HasField("error_message")
    # What is told late of the time before is no news.
    await house.feed_work(name, end, error_message="The disk was full.")
    await house.feed_work(name, work_pb2.STATE_EXECUTING, percent=60)
    assert await statuses(house, video) == ("DONE", "IN_PROGRESS", 0.0)
    await house.feed_work(name, work_pb2.STATE_EXECUTING, percent=20, requeued=1)
    await house.feed_work(name, work_pb2.STATE_SUCCESS, result=RESULT, requeued=1)
    assert await statuses(house, video) == ("DONE", "DONE", 100.0)


async def test_the_end_of_another_try_counts_though_its_beginning_was_missed(house: House) -> None:
    video = await house.create()
    await house.upload(video)
    name = f"ingest:{video}"
    await house.feed_work(name, work_pb2.STATE_ERROR, error_message="The disk was full.")
    await house.feed_work(name, work_pb2.STATE_SUCCESS, result=RESULT, requeued=2)
    assert await statuses(house, video) == ("DONE", "DONE", 100.0)
    assert (await happenings(house))[-1] == "ingestion_finished"
