"""What each account stores is kept as a number: always the sum of its files, on both engines."""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, case, func, select, text

from services.chassis.database import Database, Tx, now
from services.chassis.errors import Invalid
from services.media.model.files import Attempt, Output, Role, StoredFile, Upload
from services.media.model.outputs import Selection, Usage
from services.media.store import (
    accounting,
    committing,
    filing,
    holdings,
    serving,
    tables,
    uploading,
)
from tests.media.holdings import Holdings
from tests.media.house import OTHER_TEAM, TEAM, House, open_house

ACCOUNTS = (TEAM, OTHER_TEAM, "team-3")
SIZES = range(1000)


async def summed(tx: Tx, account_id: str) -> Usage:
    """What the rows of an account say that it stores."""
    media, outputs = tables.media.c, tables.outputs.c
    counted = func.sum(case((media.stored_at.is_(None), media.reserved), else_=media.size))
    of_media = await tx.scalar(select(counted).where(media.team_id == account_id))
    made = select(func.sum(outputs.size)).where(outputs.account_id == account_id)
    return Usage(int(of_media or 0), int(await tx.scalar(made) or 0))


async def check(database: Database) -> None:
    async with database.reading() as tx:
        for account_id in ACCOUNTS:
            assert await accounting.usage(tx, account_id) == await summed(tx, account_id)


class Chance:
    """Does something to some account's files, by chance."""

    def __init__(self, database: Database, seed: int) -> None:
        self._database = database
        self._random = random.Random(seed)  # noqa: S311 -- the same chances every time
        self._count = 0

    async def act(self) -> None:
        pick = self._random
        account, item = pick.choice(ACCOUNTS), f"item-{pick.randrange(6)}"
        video = f"video-{pick.randrange(6)}"
        action = pick.choice(
            ["commit", "withdraw", "delete", "sweep", "upload", "confirm", "make", "forget", "fail"]
        )
        await getattr(self, action)(account, item, video)

    def file(self) -> StoredFile:
        self._count += 1
        key = f"work/{id(self)}/{self._count}"
        size = self._random.choice(SIZES)
        made = now() - timedelta(days=self._random.randrange(3))
        return StoredFile(key, size, "0" * 64, f"file{self._count}", "image/png", made)

    async def commit(self, account: str, item: str, video: str) -> None:
        lifetime = self._random.choice([None, timedelta(days=1), timedelta(days=9)])
        made = [Output(f"name{number}", self.file()) for number in range(self._random.randrange(4))]
        async with self._database.transaction() as tx:
            number = self._random.randrange(1, 9)
            if await committing.claim_commit(tx, Attempt(item, number), now()) < number:
                await serving.delete_outputs(tx, item)
                await serving.insert_outputs(tx, account, item, made, lifetime)

    async def withdraw(self, account: str, item: str, video: str) -> None:
        async with self._database.transaction() as tx:
            await committing.withdraw(tx, Attempt(item, self._random.randrange(1, 9)))

    async def delete(self, account: str, item: str, video: str) -> None:
        async with self._database.transaction() as tx:
            await accounting.lock_account(tx, account)
            limit = self._random.randrange(1, 4)
            some = await holdings.selected(tx, account, Selection(), now(), holdings.START, limit)
            await holdings.remove(tx, account, some)

    async def sweep(self, account: str, item: str, video: str) -> None:
        async with self._database.transaction() as tx:
            await accounting.set_expiration_days(tx, account, self._random.randrange(3))
            await accounting.lock_account(tx, account)
            await holdings.remove(tx, account, await holdings.ended(tx, account, now(), 2))

    async def upload(self, account: str, item: str, video: str) -> None:
        file = self.file()
        upload = Upload(video, file.storage_key, "a.mp4", "video/mp4", light=False)
        async with self._database.transaction() as tx:
            if await filing.find_media(tx, video, Role.ORIGINAL) is not None:
                return
            reserved = self._random.choice(SIZES)
            await uploading.insert_upload(tx, upload, now(), team_id=account, reserved=reserved)
        async with self._database.transaction() as tx:
            await accounting.reserve_more(tx, file.storage_key, self._random.choice(SIZES))
        async with self._database.transaction() as tx:
            if self._random.random() < 0.5:
                await uploading.finish_upload(tx, upload, file.size, file.sha256, now())
            else:
                await uploading.delete_upload(tx, upload.storage_key)

    async def confirm(self, account: str, item: str, video: str) -> None:
        async with self._database.transaction() as tx:
            await filing.confirm_video(tx, video, account, now())

    async def make(self, account: str, item: str, video: str) -> None:
        async with self._database.transaction() as tx:
            await filing.delete_made(tx, video)
            await filing.insert_made(tx, video, Role.WEB_VIDEO, item, self.file())

    async def forget(self, account: str, item: str, video: str) -> None:
        async with self._database.transaction() as tx:
            await filing.delete_video(tx, video)

    async def fail(self, account: str, item: str, video: str) -> None:
        """What is rolled back counts for nothing."""
        with suppress(ZeroDivisionError):
            async with self._database.transaction() as tx:
                await serving.delete_outputs(tx, item)
                await accounting.count(tx, account, outputs=self._random.choice(SIZES))
                raise ZeroDivisionError


@pytest.fixture
def database(either_house: House) -> Database:
    return either_house.backends.database


@pytest.mark.parametrize("seed", range(3))
async def test_the_number_is_the_sum_whatever_happens(database: Database, seed: int) -> None:
    chance = Chance(database, seed)
    for _ in range(60):
        await chance.act()
        await check(database)


async def test_the_number_is_the_sum_whatever_happens_at_once(mine: Holdings) -> None:
    """Through the doors, as two accounts' workers and users do it."""

    async def busy(holder: Holdings, seed: int) -> None:
        pick = random.Random(seed)  # noqa: S311 -- the same chances every time
        for turn in range(8):
            item = f"KEY{seed}{pick.randrange(3)}"
            await holder.make(item, f"file{turn}", size=pick.randrange(1, 99), attempt=turn + 1)
            if pick.random() < 0.5:
                await holder.delete(path=pick.choice(["", item]))

    theirs = Holdings(mine.house, OTHER_TEAM)
    await asyncio.gather(*(busy(pick, seed) for seed, pick in enumerate([mine, theirs] * 3)))
    await check(mine.house.backends.database)


async def test_what_is_there_already_is_summed_up_by_the_migration(either_url: str) -> None:
    database = Database(either_url, tables.metadata)
    await database.migrate("services.media.migrations")
    chance = Chance(database, 1)
    for _ in range(40):
        await chance.act()
    async with database.transaction() as tx:
        await tx.run_sync(_step_back)
    await database.migrate("services.media.migrations")
    await check(database)
    async with database.reading() as tx:
        assert any([(await summed(tx, account)).stored_bytes for account in ACCOUNTS])
    await database.close()


def _step_back(connection: Connection) -> None:
    """Bring the tables back to what they were before the numbers."""
    for line in (
        "DROP INDEX ix_accounts_expiration_days",
        "ALTER TABLE accounts DROP COLUMN media_bytes",
        "ALTER TABLE accounts DROP COLUMN output_bytes",
        "ALTER TABLE accounts DROP COLUMN expiration_days",
        "DROP INDEX ix_outputs_ends_at",
        "DROP INDEX ix_outputs_account_id_ends_at",
        "ALTER TABLE outputs DROP COLUMN ends_at",
        "DELETE FROM accounts WHERE account_id = 'team-1'",
        "UPDATE alembic_version SET version_num = '0004'",
    ):
        connection.execute(text(line))


async def test_outputs_beyond_the_limit_are_refused_and_leave_nothing(mine: Holdings) -> None:
    await mine.make("KEY1", "one", size=60, limit=100)
    with pytest.raises(Invalid) as refusal:
        await mine.make("KEY2", "two", "three", size=21, limit=100)
    assert refusal.value.reason == "StorageLimitException"
    assert "may store 100 bytes; with 60 stored" in refusal.value.message
    assert await mine.names() == ["KEY1/one"]
    await mine.make("KEY2", "two", "three", size=20, limit=100, attempt=2)
    await mine.make("KEY2", "two", "three", size=10, limit=100, attempt=3)
    await mine.make("KEY3", "empty", size=0, limit=1)
    await mine.delete(path="KEY1")
    await mine.make("KEY4", "four", size=80, limit=100)
    await check(mine.house.backends.database)


async def test_many_at_once_do_not_overrun_the_limit(mine: Holdings) -> None:
    async def one(number: int) -> bool:
        try:
            await mine.make(f"KEY{number}", "one", size=30, limit=100)
        except Invalid:
            return False
        return True

    assert sum(await asyncio.gather(*map(one, range(8)))) == 3


async def test_uploads_and_outputs_share_the_limit(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        mine = Holdings(house)
        await house.upload(house.catalogue.add(), [bytes(70)])
        with pytest.raises(Invalid):
            await mine.make("KEY1", "one", size=31, limit=100)
        await mine.make("KEY1", "one", size=30, limit=100, attempt=2)
        answer = await house.usage(TEAM)
        assert (answer.stored_bytes, answer.output_bytes) == (100, 30)
        assert (await house.usage("nobody")).stored_bytes == 0
