"""What the media service does about events of others."""

import pytest

from services.chassis.database import now
from services.chassis.errors import NotFound
from services.chassis.events import Event
from services.media.consumers import handlers
from tests.media.house import House
from tests.media.test_outputs import commit, made, processed
from vitascope.videos.v1.events_pb2 import VideoCreated, VideoDeleted, VideoEvent


async def receive(house: House, event: VideoEvent) -> None:
    """Let the service handle an event as its consumer does."""
    handle = handlers(house.upkeep)["vitascope.videos.v1"]
    received = Event(
        id="1",
        type="",
        topic="vitascope.videos.v1",
        key=event.video_id,
        message=event.SerializeToString(),
        time=now(),
    )
    async with house.backends.database.transaction() as tx:
        await handle(tx, received)


async def test_a_deleted_video_takes_its_bytes_along(house: House) -> None:
    kept, gone = house.catalogue.add(), house.catalogue.add()
    await house.upload(kept, [b"kept"])
    await house.upload(gone, [b"gone"])
    await commit(house, [await made(house, b"film")], to=processed(gone))
    before = len(house.objects())
    await receive(house, VideoEvent(video_id=gone, deleted=VideoDeleted()))
    await receive(house, VideoEvent(video_id=kept, created=VideoCreated()))
    with pytest.raises(NotFound):
        await house.download(gone)
    await house.has_left(before - 2)
    assert (await house.download(kept)).body == b"kept"
