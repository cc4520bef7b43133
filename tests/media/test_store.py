"""What the SQL promises, on both engines; and the service on PostgreSQL and S3 together."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.chassis.database import Database, now
from services.media.model.files import (
    AlreadyUploaded,
    Attempt,
    Output,
    OutputAddress,
    Role,
    StoredFile,
    Upload,
)
from services.media.store import (
    accounting,
    committing,
    discarding,
    filing,
    serving,
    tables,
    uploading,
)
from tests.kit.schema import drift
from tests.media.house import open_house, until
from tests.media.test_uploads import begun, happened


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, tables.metadata)
    await opened.migrate("services.media.migrations")
    yield opened
    await opened.close()


def file(key: str) -> StoredFile:
    return StoredFile(key, 2**40, "ab" * 32, "Žluťoučký.mp4", "video/mp4", now())


async def test_the_migrations_build_the_schema(database: Database) -> None:
    assert await drift(database) == []


async def test_one_of_many_uploads_gets_the_place(database: Database) -> None:
    async def take(turn: int) -> bool:
        upload = Upload("video-1", f"uploads/{turn}", "a.mp4", "video/mp4", light=False)
        try:
            async with database.transaction() as tx:
                await uploading.insert_upload(tx, upload, now())
        except AlreadyUploaded:
            return False
        return True

    assert sum(await asyncio.gather(*map(take, range(8)))) == 1


async def test_many_at_once_take_no_more_than_there_is(database: Database) -> None:
    async def take(turn: int) -> bool:
        async with database.transaction() as tx:
            await accounting.lock_account(tx, "team-1")
            if await accounting.used_bytes(tx, "team-1") + 10 > 35:
                return False
            upload = Upload(f"video-{turn}", f"uploads/{turn}", "a", "video/mp4", light=False)
            await uploading.insert_upload(tx, upload, now(), team_id="team-1", reserved=10)
        return True

    assert sum(await asyncio.gather(*map(take, range(8)))) == 3


async def test_the_newest_of_many_attempts_wins(database: Database) -> None:
    async def commit(number: int) -> bool:
        key = f"work/item-1/{number}/output"
        async with database.transaction() as tx:
            if await committing.claim_commit(tx, Attempt("item-1", number), now()) >= number:
                return False
            await discarding.discard(tx, await serving.delete_outputs(tx, "item-1"))
            made = Output("output", file(key))
            await serving.insert_outputs(tx, "account-1", "item-1", [made])
            return True

    tries = [commit(number) for number in (3, 1, 5, 2, 5, 4)]
    won = await asyncio.gather(*tries)
    async with database.reading() as tx:
        address = OutputAddress("account-1", "item-1", "Žluťoučký.mp4")
        visible = await serving.find_output(tx, address, now())
        gone = await discarding.discarded_keys(tx, 10)
    assert visible
    assert visible.file.storage_key == "work/item-1/5/output"
    assert won[2] != won[4], "a repeat changes nothing"
    assert len(gone) == sum(won) - 1


async def test_a_file_comes_back_as_it_was_stored(database: Database) -> None:
    stored = file("work/item-1/1/output")
    async with database.transaction() as tx:
        await filing.insert_made(tx, "video-1", Role.PROCESSED, "item-1", stored)
    async with database.reading() as tx:
        found = await filing.find_media(tx, "video-1", Role.PROCESSED)
        known = await discarding.known_keys(tx, [stored.storage_key, "work/other"])
    assert found
    assert found.file == stored
    assert known == {stored.storage_key}


async def test_the_service_on_postgresql_and_s3(
    postgres_url: str, s3_url: str, tmp_path: Path
) -> None:
    data = bytes(range(256)) * 80_000
    async with open_house(tmp_path, database_url=postgres_url, storage_url=s3_url) as house:
        objects = house.backends.storage.list
        # Other tests of the session use the same bucket.
        before = {entry.key async for entry in objects("uploads")}
        video_id = house.catalogue.add()
        await house.upload(video_id, [data[:15_000_000], data[15_000_000:]])
        assert (await house.download(video_id)).body == data
        assert (await house.download(video_id, range="bytes=-5")).body == data[-5:]
        upload = await begun(house, house.catalogue.add())
        upload.call.cancel()
        await until(lambda: happened(house, "upload_abandoned"))
        async with house.backends.database.transaction() as tx:
            await house.upkeep.forget_video(tx, video_id)
        await house.upkeep.purge()
        left = {entry.key async for entry in objects("uploads")} - before
        assert (await house.rows(), left) == (0, set())
