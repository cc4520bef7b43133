"""Lost events and absent services: everything comes right again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.chassis.database import Tx, now
from services.chassis.errors import Unavailable
from services.videos import store
from services.videos.model.records import LONGEST_PATIENCE, PATIENCE
from tests.kit.waiting import wait_for_async
from tests.videos.conftest import House
from tests.videos.doubles import METADATA, stored
from vitascope.media.v1 import events_pb2 as media_events_pb2
from vitascope.media.v1 import operations_pb2
from vitascope.videos.v1 import videos_pb2
from vitascope.work.v1 import work_pb2


async def grow_old(house: House) -> None:
    """Make every video overdue, as if a minute had passed."""

    async def change(tx: Tx) -> None:
        await store.look_now(tx, now())

    await house.write(change)


async def look_at(house: House, video_id: str) -> datetime | None:
    async with house.db.reading() as tx:
        video = await store.video(tx, video_id)
    assert video
    return video.look_at


async def status(house: House, video_id: str) -> str:
    return str((await house.video(video_id)).ingestion.ingestion_state.ingestion_status)


@asynccontextmanager
async def running(background: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    task = asyncio.create_task(background())
    try:
        yield
    finally:
        assert not task.done(), "the background coroutine ended"
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_lost_upload_event_is_made_up_for(house: House) -> None:
    video = await house.create()
    await house.feed_media(video, upload_started=media_events_pb2.UploadStarted())
    house.files.files[video] = stored(video, "found.mp4", light=True)
    await house.healing.heal_overdue()
    assert not house.files.asked, "it is too early to ask"
    await grow_old(house)
    await house.healing.heal_overdue()
    found = await house.video(video)
    assert found.upload.upload_state.upload_status == "DONE"
    assert found.name == found.upload.file_name == "found.mp4"
    await house.dispatcher.submit_pending()
    [submission] = house.ledger.submissions
    assert operations_pb2.VideoIngestSpec.FromString(submission.spec).light


async def test_a_video_without_a_file_just_goes_on_waiting(house: House) -> None:
    video = await house.create()
    before = await house.video(video)
    await grow_old(house)
    await house.healing.heal_overdue()
    await house.healing.heal_overdue()
    assert house.files.asked == [video]
    assert await house.video(video) == before
    due = await look_at(house, video)
    assert due
    assert due > now() + PATIENCE - timedelta(seconds=30)


async def test_a_video_that_never_comes_is_asked_about_seldom(house: House) -> None:
    video = await house.create()

    async def make_old(tx: Tx) -> None:
        moment = now() - timedelta(days=30)
        old = store.videos.update().values(created_at=moment, look_at=moment)
        await tx.execute(old)

    await house.write(make_old)
    await house.healing.heal_overdue()
    due = await look_at(house, video)
    assert due
    assert now() + PATIENCE < due <= now() + LONGEST_PATIENCE


async def test_lost_work_events_are_made_up_for(house: House) -> None:
    ended = await house.create()
    going = await house.create()
    for video in (ended, going):
        await house.upload(video)
    await house.dispatcher.submit_pending()
    item = house.ledger.items[f"ingest:{ended}"]
    item.state = work_pb2.STATE_SUCCESS
    item.result = operations_pb2.VideoIngestResult(metadata=METADATA).SerializeToString()
    house.ledger.items[f"ingest:{going}"].state = work_pb2.STATE_EXECUTING
    house.ledger.items[f"ingest:{going}"].percent = 70
    await house.healing.heal_overdue()
    assert await status(house, ended) == "IN_PROGRESS", "it is too early to ask"
    await grow_old(house)
    await house.healing.heal_overdue()
    assert await status(house, ended) == "DONE"
    state = (await house.video(going)).ingestion.ingestion_state
    assert (state.ingestion_status, state.processing_progress_percent) == ("IN_PROGRESS", 70)
    assert await look_at(house, ended) is None
    due = await look_at(house, going)
    assert due
    assert due > now()


async def test_work_that_the_ledger_does_not_know_is_submitted_again(house: House) -> None:
    source = await house.ingested()
    child = await house.processed(source)
    await house.dispatcher.submit_pending()
    first = house.ledger.submissions[-1]
    house.ledger.items.clear()
    await grow_old(house)
    await house.healing.heal_overdue()
    await house.dispatcher.submit_pending()
    assert house.ledger.submissions[-2:] == [first, first]
    assert f"process:{child}" in house.ledger.items


async def test_pending_work_waits_for_the_ledger(house: House) -> None:
    video = await house.create()
    await house.upload(video)
    house.ledger.away = True
    with pytest.raises(Unavailable):
        await house.dispatcher.submit_pending()
    await grow_old(house)
    await house.healing.heal_overdue()
    assert await status(house, video) == "IN_PROGRESS"
    house.ledger.away = False
    await house.dispatcher.submit_pending()
    assert list(house.ledger.items) == [f"ingest:{video}"]


async def test_work_of_a_video_deleted_meanwhile_is_called_off(house: House) -> None:
    video = await house.create()
    await house.upload(video)

    async def delete() -> None:
        await house.ask("DeleteVideo", videos_pb2.DeleteVideoRequest(video_id=video))
        house.ledger.cancelled.clear()

    house.ledger.meanwhile = delete
    await house.dispatcher.submit_pending()
    assert house.ledger.cancelled == [f"ingest:{video}"]


async def test_work_is_submitted_as_soon_as_it_is_committed(house: House) -> None:
    source = await house.ingested()
    video = await house.create()
    async with running(lambda: house.dispatcher.run(retry_seconds=600)):
        await house.upload(video)
        await wait_for_async(lambda: f"ingest:{video}" in house.ledger.items, what="ingestion")
        child = await house.processed(source)
        await wait_for_async(lambda: f"process:{child}" in house.ledger.items, what="processing")


async def test_submitting_is_tried_again_without_a_wake(house: House) -> None:
    video = await house.create()
    await house.upload(video)
    house.ledger.away = True
    async with running(lambda: house.dispatcher.run(retry_seconds=0.01)):
        house.ledger.away = False
        await wait_for_async(lambda: house.ledger.submissions, what="the ingestion")


async def test_the_start_looks_at_everything_and_outlives_absent_services(house: House) -> None:
    video = await house.create()
    await house.upload(video)
    await house.dispatcher.submit_pending()
    item = house.ledger.items[f"ingest:{video}"]
    item.state = work_pb2.STATE_SUCCESS
    item.result = operations_pb2.VideoIngestResult(metadata=METADATA).SerializeToString()
    waiting = await house.create()
    house.files.files[waiting] = stored(waiting)
    house.ledger.away = True
    async with running(lambda: house.healing.run(round_seconds=0.01)):
        house.ledger.away = False
        await wait_for_async(lambda: waiting in house.files.asked, what="the upload to be found")
    await house.healing.heal_overdue()
    assert await status(house, video) == "DONE"
    assert (await house.video(waiting)).upload.has_finished_uploading


async def test_word_of_another_try_that_got_lost_is_made_up_for(house: House) -> None:
    video = await house.create()
    await house.upload(video)
    await house.dispatcher.submit_pending()
    item = house.ledger.items[f"ingest:{video}"]
    item.state, item.error_message = work_pb2.STATE_ERROR, "The disk was full."
    await house.feed_work(item.request_id, item.state, error_message=item.error_message)
    assert await status(house, video) == "ERROR"
    watched = await look_at(house, video)
    assert watched
    assert watched - now() > LONGEST_PATIENCE - timedelta(minutes=1)
    result = operations_pb2.VideoIngestResult(metadata=METADATA)
    item.state, item.requeued, item.result = (
        work_pb2.STATE_SUCCESS,
        1,
        result.SerializeToString(),
    )
    await grow_old(house)
    await house.healing.heal_overdue()
    assert await status(house, video) == "DONE"
    assert await look_at(house, video) is None


async def test_failed_work_that_the_ledger_has_forgotten_stays_failed(house: House) -> None:
    video = await house.create()
    await house.upload(video)
    await house.dispatcher.submit_pending()
    await house.feed_work(f"ingest:{video}", work_pb2.STATE_ERROR, error_message="No video.")
    house.ledger.items.clear()
    await grow_old(house)
    await house.healing.heal_overdue()
    assert await status(house, video) == "ERROR"
    assert await look_at(house, video) is None
