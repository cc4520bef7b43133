"""Outputs end: when their own lifetime is over, or their account's; sweep or no sweep."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from services.chassis.database import Tx
from services.chassis.errors import NotFound
from services.media.actions import lifetimes
from services.media.model.outputs import KeptOutput
from services.media.store import accounting, holdings
from tests.media.holdings import WEEK, Clock, Holdings
from tests.media.house import open_house, until
from tests.media.test_outputs import served

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


async def is_served(mine: Holdings, path: str) -> bool:
    try:
        return (await served(mine.house, path)).status == 200
    except NotFound:
        return False


async def max_age(mine: Holdings, path: str) -> int:
    """For how many seconds others may keep a copy."""
    control = (await served(mine.house, path)).headers["cache-control"]
    return int(control.removeprefix("max-age="))


async def test_a_volatile_file_ends_after_its_week(mine: Holdings, clock: Clock) -> None:
    [path] = await mine.make("KEY1", "one", lifetime=WEEK)
    [kept] = await mine.make("KEY2", "two")
    clock.move(WEEK - SECOND)
    await mine.house.lifetimes.sweep()
    assert await is_served(mine, path)
    clock.move(SECOND)
    assert not await is_served(mine, path), "before any sweep"
    assert await mine.names() == ["KEY2/two"]
    await mine.house.has_left(2)
    await mine.house.lifetimes.sweep()
    await mine.house.has_left(1)
    clock.move(3650 * DAY)
    await mine.house.lifetimes.sweep()
    assert await is_served(mine, kept)


async def test_a_persistent_file_ends_when_its_account_says(mine: Holdings, clock: Clock) -> None:
    [old] = await mine.make("KEY1", "old")
    clock.move(2 * DAY)
    [new] = await mine.make("KEY2", "new")
    await mine.expire(3)
    await mine.house.lifetimes.sweep()
    assert await is_served(mine, old), "it counts from the making"
    clock.move(DAY)
    assert not await is_served(mine, old)
    assert await mine.names() == ["KEY2/new"]
    await mine.house.lifetimes.sweep()
    await mine.house.has_left(1)
    await mine.expire(1)
    assert not await is_served(mine, new), "a new setting holds for what is there"
    await mine.expire(0)
    assert await is_served(mine, new), "not swept, so not lost"
    await mine.expire(1)
    await mine.house.lifetimes.sweep()
    await mine.house.has_left(0)


async def test_the_setting_is_the_accounts_own(
    mine: Holdings, theirs: Holdings, clock: Clock
) -> None:
    [path] = await mine.make("KEY1", "mine")
    [other] = await theirs.make("KEY2", "theirs")
    await mine.expire(1)
    clock.move(DAY)
    await mine.house.lifetimes.sweep()
    assert not await is_served(mine, path)
    assert await is_served(theirs, other)
    assert await theirs.names() == ["KEY2/theirs"]


async def test_a_lifetime_of_its_own_is_neither_longer_nor_shorter_than_it_says(
    mine: Holdings, clock: Clock
) -> None:
    [path] = await mine.make("KEY1", "one", lifetime=WEEK)
    await mine.expire(1)
    clock.move(2 * DAY)
    await mine.house.lifetimes.sweep()
    assert await is_served(mine, path)
    await mine.expire(30)
    clock.move(5 * DAY)
    assert not await is_served(mine, path)


async def test_copies_are_not_kept_beyond_the_end(mine: Holdings, clock: Clock) -> None:
    [path] = await mine.make("KEY1", "one")
    [volatile] = await mine.make("KEY2", "two", lifetime=WEEK)
    assert await max_age(mine, path) == 604800
    assert 604790 <= await max_age(mine, volatile) <= 604800
    await mine.expire(30)
    assert await max_age(mine, path) == 604800
    clock.move(6 * DAY)
    assert 86390 <= await max_age(mine, volatile) <= 86400
    clock.move(23 * DAY)
    assert 86390 <= await max_age(mine, path) <= 86400


@pytest.mark.parametrize("lifetime", [WEEK, None])
async def test_the_sweep_goes_in_small_batches(
    mine: Holdings, clock: Clock, monkeypatch: pytest.MonkeyPatch, lifetime: timedelta | None
) -> None:
    monkeypatch.setattr(lifetimes, "_BATCH", 2)
    for number in range(5):
        await mine.make(f"KEY{number}", "one", lifetime=lifetime)
    await mine.expire(7)
    clock.move(WEEK)
    sizes: list[int] = []
    remove = holdings.remove

    async def noted(tx: Tx, account_id: str, gone: Sequence[KeptOutput]) -> None:
        sizes.append(len(gone))
        await remove(tx, account_id, gone)

    monkeypatch.setattr(holdings, "remove", noted)
    await mine.house.lifetimes.sweep()
    assert (sum(sizes), max(sizes)) == (5, 2)
    await mine.house.has_left(0)


async def test_many_accounts_are_swept(
    mine: Holdings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetimes, "_BATCH", 2)
    for number in range(5):
        account = Holdings(mine.house, f"account-{number}")
        await account.make(f"KEY{number}", "volatile", lifetime=WEEK)
    async with mine.house.backends.database.transaction() as tx:
        for number in range(5):
            account_id = f"lasting-{number}"
            await Holdings(mine.house, account_id).insert_into(tx, 1, first=number)
            await accounting.set_expiration_days(tx, account_id, 7)
    clock.move(WEEK)
    await mine.house.lifetimes.sweep()
    await mine.house.is_empty()


async def test_what_is_deleted_or_ends_leaves_the_bucket_too(
    postgres_url: str, s3_url: str, tmp_path: Path, clock: Clock
) -> None:
    async with open_house(tmp_path, database_url=postgres_url, storage_url=s3_url) as house:
        mine, storage = Holdings(house), house.backends.storage
        # Other tests of the session use the same bucket.
        one, two = f"ONE{uuid4().hex}", f"TWO{uuid4().hex}"
        [path] = await mine.make(one, "file")
        await mine.make(two, "file", lifetime=WEEK)
        assert (await served(house, path, range="bytes=0-2")).body == b"ONE"
        await mine.delete(path=one)
        clock.move(WEEK)
        await house.lifetimes.sweep()

        async def gone() -> bool:
            keys = [f"work/{item}/1/file" for item in (one, two)]
            return not any([await storage.exists(key) for key in keys] + [await house.rows()])

        await until(gone)
