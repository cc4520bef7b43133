"""Dropping what nothing needs any more."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from services.chassis.database import now
from services.chassis.errors import Unavailable, WrongState
from services.media.actions import upkeep
from services.media.actions.upkeep import LOST_FILES
from services.media.store import discarding
from tests.media.house import House, until
from tests.media.test_outputs import commit, made
from tests.media.tus import open_desk
from vitascope.media.v1.internal_pb2 import ROLE_ORIGINAL, GetMediaRequest

DAY = timedelta(days=1)
MIB = 2**20


async def test_media_of_videos_that_are_gone_are_dropped(house: House) -> None:
    """As when the event of a deletion was lost."""
    kept, gone = house.catalogue.add(), house.catalogue.add()
    await house.upload(kept, [b"kept"])
    await house.upload(gone, [b"gone"])
    del house.catalogue.videos[gone]
    await house.upkeep.reconcile()
    assert len(house.objects()) == 2, "too young to be asked about"
    await house.age_rows(timedelta(minutes=2))
    await house.upkeep.reconcile()
    await house.has_left(1)
    assert (await house.download(kept)).body == b"kept"
    del house.catalogue.videos[kept]
    await house.upkeep.reconcile()
    assert len(house.objects()) == 1, "asked about a moment ago"


async def test_nothing_is_dropped_while_the_catalogue_is_away(house: House) -> None:
    video_id = house.catalogue.add()
    await house.upload(video_id, [b"kept"])
    await house.age_rows(timedelta(minutes=2))
    await house.videos.server.stop(0)
    with pytest.raises(Unavailable):
        await house.upkeep.reconcile()
    assert (await house.rows(), len(house.objects())) == (1, 1)


async def test_old_objects_that_no_row_knows_are_swept(house: House) -> None:
    video_id = house.catalogue.add()
    await house.upload(video_id, [b"kept"])
    visible = await made(house, b"visible", name="visible")
    await commit(house, [visible])
    old, young = await made(house, b"old", name="old"), await made(house, b"new", name="young")
    foreign = house.folder / "elsewhere" / "old"
    foreign.parent.mkdir()
    foreign.write_bytes(b"not ours")
    halves = [house.folder / "work/dead#1", house.folder / "work/alive#1"]
    for half in halves:
        half.write_bytes(b"half")
    everything = house.objects()
    for key in everything:
        if key not in (young.storage_key, "work/alive#1"):
            past = time.time() - (DAY + timedelta(minutes=1)).total_seconds()
            os.utime(house.folder / key, (past, past))
    await house.upkeep.sweep()
    await house.has_left(len(everything) - 2)
    assert {old.storage_key, "work/dead#1"} == {*everything} - {*house.objects()}


async def test_what_is_half_written_in_a_bucket_is_swept(
    tmp_path: Path, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for what belongs to an upload that rests."""
    async with open_desk(tmp_path, storage_url=s3_url) as desk:
        storage = desk.house.backends.storage
        address = await desk.create(desk.house.catalogue.add(), 7 * MIB)
        await desk.patch(address, 0, bytes(6 * MIB))
        for name, size in (("small", 1000), ("large", 6 * MIB)):
            async with storage.draft(f"work/item/1/{name}") as draft:
                await draft.append(bytes(size))
                await draft.keep()
        await desk.house.upkeep.sweep()
        assert {entry.key async for entry in storage.halves("work")} == {
            "work/item/1/small",
            "work/item/1/large",
        }, "too young"
        monkeypatch.setattr(upkeep, "now", lambda: now() + 2 * DAY)
        await desk.house.upkeep.sweep()
        await desk.house.upkeep.purge()
        assert [entry async for entry in storage.halves("work")] == []
        answer = await desk.patch(address, 6 * MIB, bytes(MIB))
        assert answer.headers["upload-offset"] == str(7 * MIB)


async def test_lost_files_are_told(house: House) -> None:
    kept, lost, cut = house.catalogue.add(), house.catalogue.add(), house.catalogue.add()
    for video_id in (kept, lost, cut):
        await house.upload(video_id, [b"here"])
    paths = {}
    for video_id in (lost, cut):
        media = (
            await house.call("GetMedia", GetMediaRequest(video_id=video_id, role=ROLE_ORIGINAL))
        ).media
        paths[video_id] = house.folder / media.storage_key
    await house.upkeep.look_for_lost()
    before = LOST_FILES._value.get()
    paths[lost].unlink()
    paths[cut].write_bytes(b"her")
    with structlog.testing.capture_logs() as told:
        await house.upkeep.look_for_lost()
    assert LOST_FILES._value.get() - before == 2
    assert {line["video"]: line["found"] for line in told} == {lost: None, cut: 3}
    assert await house.rows() == 3


async def test_what_the_sweep_has_taken_cannot_become_visible(house: House) -> None:
    """A worker that was cut off for a day comes back with a file that is about to go."""
    output = await made(house, b"late")
    async with house.backends.database.transaction() as tx:
        await discarding.discard(tx, [output.storage_key])
    with pytest.raises(WrongState):
        await commit(house, [output])


async def test_storage_that_is_away_is_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, deleted = house.backends.storage, house.backends.storage.delete
    tries = 0

    async def delete(key: str) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Unavailable("Storage is away.")
        await deleted(key)

    monkeypatch.setattr(storage, "delete", delete)
    video_id = house.catalogue.add()
    await house.upload(video_id, [b"gone"])
    async with house.backends.database.transaction() as tx:
        await house.upkeep.forget_video(tx, video_id)

    async def tried() -> bool:
        return tries == 1

    await until(tried)
    assert await house.rows() == 1
    await house.upkeep.purge()
    await house.is_empty()
