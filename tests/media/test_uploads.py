"""Uploads that break off, clash, or are large."""

import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any

import grpc
import psutil
import pytest
from google.api.httpbody_pb2 import HttpBody

from services.chassis.database import Tx, now
from services.chassis.errors import Conflict, Invalid, Unavailable, WrongState
from services.chassis.storage import Stored
from services.media.actions.uploads import Uploads
from services.media.model.files import STALE_AFTER, Media, Upload
from services.media.store import uploading
from tests.media.house import House, bearer, until
from vitascope.media.v1.media_pb2 import DownloadOriginalRequest, UploadMediaRequest

MIB = 2**20

# What an upload hears that lost its place: that, or that its half file went while it was written.
LOST = (Conflict.code, Unavailable.code)


class SlowUpload:
    """An upload whose client sends when the test says so."""

    def __init__(self, house: House, video_id: str) -> None:
        self.call = house.media.UploadMedia(metadata=bearer())
        self._first = UploadMediaRequest(video_id=video_id, file_name="a.mp4")

    async def send(self, *pieces: bytes) -> None:
        if self._first.video_id:
            await self.call.write(self._first)
            self._first = UploadMediaRequest()
        for piece in pieces:
            await self.call.write(UploadMediaRequest(file=HttpBody(data=piece)))

    async def finish(self) -> Any:
        await self.call.write(UploadMediaRequest())
        await self.call.done_writing()
        return await self.call


async def begun(house: House, video_id: str) -> SlowUpload:
    """An upload of which the service has made a row."""
    upload = SlowUpload(house, video_id)
    await upload.send(b"x" * MIB)
    await until(lambda: happened(house, "upload_started"))
    return upload


async def abandoned(house: House) -> None:
    """Wait until an upload is told to be abandoned and all of it is gone."""
    await until(lambda: happened(house, "upload_abandoned"))
    await house.is_empty()


async def happened(house: House, happening: str) -> bool:
    """Whether this is the last that happened."""
    return (await house.happenings())[-1:] == [happening]


async def has_objects(house: House) -> bool:
    """Whether anything is in storage, half-written objects included."""
    return bool(house.objects())


async def test_a_client_that_leaves_leaves_nothing(house: House) -> None:
    video_id = house.catalogue.add()
    upload = await begun(house, video_id)
    await upload.send(*[bytes(MIB)] * 48)
    await until(lambda: has_objects(house))
    upload.call.cancel()
    await abandoned(house)
    await house.upload(video_id, [b"again"])
    assert (await house.download(video_id)).body == b"again"


@pytest.mark.parametrize("turn", range(10))
async def test_no_cancelled_upload_passes_for_a_whole_one(house: House, turn: int) -> None:
    """gRPC shows the handler of a cancelled call a clean end of the stream every third time."""
    upload = await begun(house, house.catalogue.add())
    await upload.send(*[b"y" * 1000] * turn)
    upload.call.cancel()
    await abandoned(house)


async def test_a_stream_that_ends_too_soon_leaves_nothing(house: House) -> None:
    with pytest.raises(Invalid):
        await house.upload(house.catalogue.add(), [b"x" * MIB], whole=False)
    await abandoned(house)


async def test_a_client_that_leaves_after_the_last_byte_leaves_a_whole_file(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has begun to be stored is stored to the end, and told."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    finish = uploading.finish_upload

    async def slow_finish(tx: Tx, upload: Upload, size: int, sha256: str, at: datetime) -> Media:
        reached.set()
        await go_on.wait()
        media = await finish(tx, upload, size, sha256, at)
        assert media
        return media

    monkeypatch.setattr(uploading, "finish_upload", slow_finish)
    video_id = house.catalogue.add()
    upload = SlowUpload(house, video_id)
    await upload.send(b"all of it", b"")
    await reached.wait()
    upload.call.cancel()
    go_on.set()
    await until(lambda: happened(house, "media_stored"))
    assert (await house.download(video_id)).body == b"all of it"


async def test_a_gateway_that_dies_leaves_nothing(house: House) -> None:
    upload = await begun(house, house.catalogue.add())
    await house.channel.close()
    assert upload.call.done()
    await abandoned(house)


async def test_storage_that_fails_leaves_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put(key: str, chunks: AsyncIterator[bytes]) -> Stored:
        await anext(chunks)
        raise Unavailable("The disk is full.")

    monkeypatch.setattr(house.backends.storage, "put", put)
    with pytest.raises(Unavailable):
        await house.upload(house.catalogue.add(), [b"x" * MIB] * 3)
    await abandoned(house)


async def test_two_uploads_at_once_are_one(house: House) -> None:
    video_id = house.catalogue.add()
    upload = await begun(house, video_id)
    with pytest.raises(WrongState):
        await house.upload(video_id, [b"other"])
    await upload.send(b"z")
    await upload.finish()
    assert (await house.download(video_id)).body == b"x" * MIB + b"z"
    assert await house.happenings() == ["upload_started", "media_stored"]


async def test_an_upload_that_runs_is_left_alone(house: House) -> None:
    """Another replica cleans up, and sees by the row that this one is at it."""
    video_id = house.catalogue.add()
    upload = await begun(house, video_id)
    await house.age_rows(STALE_AFTER * 2)
    await house.uploads.keep_alive()
    await Uploads(house.backends).keep_alive()
    await upload.finish()
    assert (await house.download(video_id)).body == b"x" * MIB


HALF_AN_UPLOAD = """
import asyncio, sys
from services.chassis.storage import Storage

async def pieces():
    for _ in range(48):
        yield bytes(2**20)
    await asyncio.Event().wait()

asyncio.run(Storage(sys.argv[1]).put("uploads/left", pieces()))
"""


async def test_an_upload_whose_process_was_killed_is_swept(house: House) -> None:
    """A killed process leaves a row and half a file; the next start of any replica ends both."""
    video_id = house.catalogue.add()
    upload = Upload(video_id, "uploads/left", "a.mp4", "video/mp4", light=False)
    async with house.backends.database.transaction() as tx:
        await uploading.insert_upload(tx, upload, now() - STALE_AFTER + timedelta(seconds=20))
    url = house.backends.settings.storage_url
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", HALF_AN_UPLOAD, url)
    await until(lambda: has_objects(house))
    process.kill()
    await process.wait()

    await Uploads(house.backends).keep_alive()
    with pytest.raises(WrongState):
        await house.upload(video_id, [b"too early"])
    assert house.objects()
    await house.age_rows(STALE_AFTER)
    await Uploads(house.backends).keep_alive()
    await abandoned(house)
    await house.upload(video_id, [b"again"])


async def test_an_upload_that_was_given_up_is_not_stored(house: House) -> None:
    """As when this process was suspended for minutes and another replica swept its row."""
    video_id = house.catalogue.add()
    upload = await begun(house, video_id)
    await house.age_rows(STALE_AFTER * 2)
    await Uploads(house.backends).keep_alive()
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await upload.finish()
    assert refusal.value.code() in LOST
    await abandoned(house)


async def test_a_video_deleted_during_its_upload_gets_no_file(house: House) -> None:
    video_id = house.catalogue.add()
    upload = await begun(house, video_id)
    async with house.backends.database.transaction() as tx:
        await house.upkeep.forget_video(tx, video_id)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await upload.finish()
    assert refusal.value.code() in LOST
    await house.is_empty()
    assert await house.happenings() == ["upload_started"]


async def test_memory_stays_flat(house: House) -> None:
    """128 MiB through the whole service, client and server in this one process."""
    process = psutil.Process()
    resident: list[int] = []
    piece = os.urandom(MIB)

    def pieces() -> Iterator[bytes]:
        for _ in range(128):
            resident.append(process.memory_info().rss)
            yield piece

    video_id = house.catalogue.add()
    await house.upload(video_id, pieces())
    assert max(resident) - resident[0] < 80 * MIB

    request = DownloadOriginalRequest(video_id=video_id)
    expected, found = hashlib.sha256(piece * 128), hashlib.sha256()
    before = process.memory_info().rss
    peak = before
    async for body in house.media.DownloadOriginal(request, metadata=bearer()):
        assert len(body.data) <= MIB
        found.update(body.data)
        peak = max(peak, process.memory_info().rss)
    assert found.hexdigest() == expected.hexdigest()
    assert peak - before < 80 * MIB
