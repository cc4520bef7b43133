"""How much an account may store."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.chassis.errors import Invalid
from services.chassis.limits import Limits
from tests.media.house import OTHER_TEAM, TEAM, House, until
from tests.media.test_outputs import commit, made
from tests.media.test_uploads import SlowUpload, begun, happened
from tests.media.tus import TUS, Desk, metadata, open_desk
from vitascope.media.v1.internal_pb2 import AccountDestination, Destination, VideoDestination

MIB = 2**20
LIMIT = 40 * MIB


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path, limits=Limits(stored_bytes=LIMIT)) as desk:
        yield desk


@pytest.fixture
def house(desk: Desk) -> House:
    return desk.house


async def store(house: House, mebibytes: int, team: str = TEAM) -> str:
    """Store so much and return the video's id."""
    video_id = house.catalogue.add(team_id=team)
    await house.upload(video_id, [bytes(MIB)] * mebibytes, team=team)
    return video_id


async def test_an_upload_stops_where_the_account_is_full(house: House) -> None:
    await store(house, 30)
    with pytest.raises(Invalid) as refusal:
        await store(house, 11)
    assert refusal.value.reason == "StorageLimitException"
    assert refusal.value.metadata["http-status"] == "413"
    assert str(LIMIT) in refusal.value.message
    await house.has_left(1)
    await store(house, 10)
    with pytest.raises(Invalid):
        await store(house, 1)
    await store(house, 50, OTHER_TEAM)


async def test_what_is_deleted_counts_no_more(house: House) -> None:
    video_id = await store(house, 40)
    async with house.backends.database.transaction() as tx:
        await house.upkeep.forget_video(tx, video_id)
    await store(house, 40)


async def test_what_broke_off_counts_no_more(house: House) -> None:
    upload = await begun(house, house.catalogue.add())
    await upload.send(*[bytes(MIB)] * 30)
    upload.call.cancel()
    await until(lambda: happened(house, "upload_abandoned"))
    await store(house, 40)


async def test_outputs_count(house: House) -> None:
    to = Destination(account=AccountDestination(account_id=TEAM))
    await commit(house, [await made(house, bytes(MIB), name="big")], to=to)
    with pytest.raises(Invalid):
        await store(house, 40)
    await store(house, 39)


async def test_what_was_made_of_a_video_counts_once_its_owner_is_known(house: House) -> None:
    to = Destination(video=VideoDestination(video_id=house.catalogue.add()))
    await commit(house, [await made(house, bytes(MIB), name="big")], to=to)
    await house.age_rows(timedelta(minutes=2))
    await house.upkeep.reconcile()
    with pytest.raises(Invalid):
        await store(house, 40)


async def test_uploads_at_once_cannot_overrun_it_together(house: House) -> None:
    async def one() -> bool:
        upload = SlowUpload(house, house.catalogue.add())
        try:
            for _ in range(10):
                await upload.send(bytes(MIB))
                await asyncio.sleep(0)  # the others' turn
            await upload.finish()
        except Exception:  # noqa: BLE001 -- what a client hears in its midst differs
            return False
        return True

    whole = await asyncio.gather(*(one() for _ in range(8)))
    assert 1 <= sum(whole) <= 4
    await house.has_left(sum(whole))


async def test_a_known_size_is_refused_before_its_first_byte(desk: Desk) -> None:
    video_id = desk.house.catalogue.add()
    upload = f"{desk.url}/media/v1/upload/{video_id}"
    files = {"file": ("a.mov", bytes(LIMIT + 2 * MIB))}
    answer = await desk.client.post(upload, files=files)
    assert (answer.status_code, answer.json()["exception"]) == (413, "StorageLimitException")
    headers = {**TUS, "upload-metadata": metadata(videoId=video_id)}
    over = await desk.client.post(
        desk.address, headers={**headers, "upload-length": str(LIMIT + 1)}
    )
    assert (over.status_code, over.json()["exception"]) == (413, "StorageLimitException")
    assert await desk.house.happenings() == []


async def test_an_upload_in_several_requests_has_its_room_from_the_beginning(desk: Desk) -> None:
    address = await desk.create(desk.house.catalogue.add(), LIMIT - 5)
    with pytest.raises(Invalid):
        await store(desk.house, 1)
    assert (await desk.client.delete(address, headers=TUS)).status_code == 204
    await store(desk.house, 40)


async def test_what_is_larger_than_any_upload_is_refused_at_once(tmp_path: Path) -> None:
    async with open_desk(tmp_path, max_upload_bytes=MIB) as desk:
        upload = f"{desk.url}/media/v1/upload/{desk.house.catalogue.add()}"
        answer = await desk.client.post(upload, files={"file": ("a.mov", bytes(3 * MIB))})
        assert answer.status_code == 413
        assert await desk.house.happenings() == []
