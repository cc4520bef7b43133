"""What one who follows items hears of them, whether quick or slow."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.chassis.errors import Unavailable
from services.tasks.actions.following import Feed
from services.tasks.actions.live import Live
from services.tasks.model import (
    Item,
    Lane,
    State,
    Submission,
    cancel,
    fail,
    join,
    queue,
    requeue,
    split,
    start,
    succeed,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = timedelta(seconds=30)


def queued(name: str = "a") -> Item:
    return queue(Submission("tasks", "team", name, "image.info", b"spec", b"there"), NOW)


def started(item: Item) -> Item:
    return start(item, "w", "stream", NOW, LEASE)


@contextmanager
def following(live: Live, *known: Item) -> Iterator[Feed]:
    """Follow items that are known to the reader."""
    with live.feeds.following([item.item_id for item in known]) as feed:
        feed.begin(known)
        yield feed


async def heard(feed: Feed, count: int) -> list[Item]:
    """Return the next so many news."""
    news = feed.news()
    async with asyncio.timeout(60):
        return [await anext(news) for _ in range(count)]


async def to_the_end(feed: Feed) -> list[tuple[str, State, float]]:
    """Return all news of a feed."""
    async with asyncio.timeout(60):
        return [(each.item_id, each.state, each.percent) async for each in feed.news()]


def move(live: Live, before: Item, after: Item) -> Item:
    """Have a committed change told."""
    live.changed([(before, after)])
    return after


async def test_a_slow_reader_gets_each_state_with_its_newest_progress() -> None:
    live = Live()
    item, other = queued(), queued("b")
    with following(live, item, other) as feed:
        runs = move(live, item, started(item))
        for percent in range(1, 1000):
            live.report(runs.lease, percent / 10, None)
        again = move(live, runs, fail(live.freshest(runs), "no", True, NOW, 0.0))
        runs = move(live, again, started(again))
        live.report(runs.lease, 7.0, None)
        move(live, other, cancel(other, NOW))
        move(live, runs, succeed(runs, b"result", NOW))
        assert await to_the_end(feed) == [
            ("a", State.EXECUTING, 99.0),
            ("a", State.QUEUED, 0.0),
            ("a", State.EXECUTING, 7.0),
            ("b", State.CANCELLED, 0.0),
            ("a", State.SUCCESS, 100.0),
        ]


async def test_a_quick_reader_gets_everything() -> None:
    live = Live()
    item = queued()
    with following(live, item) as feed:
        runs = move(live, item, started(item))
        assert [each.percent for each in await heard(feed, 1)] == [0.0]
        for percent in (3.0, 4.0):
            live.report(runs.lease, percent, None)
            assert [each.percent for each in await heard(feed, 1)] == [percent]
        live.report(runs.lease, 4.0, None, b"known so far")
        [partial] = await heard(feed, 1)
        assert (partial.percent, partial.result) == (4.0, b"known so far")


@pytest.mark.parametrize("told", [(5.0, 5.0), (5.0, 3.0)])
async def test_what_nobody_can_see_is_no_news(told: tuple[float, float]) -> None:
    live = Live()
    item = started(queued())
    with following(live, item) as feed:
        live.report(item.lease, told[0], 9.0)
        assert len(await heard(feed, 1)) == 1
        # An estimate of the time left, a repeat, and what was stored of it meanwhile.
        live.report(item.lease, told[1], 8.0)
        live.changed([(item, replace(item, percent=2.0)), (item, live.freshest(item))])
        move(live, item, succeed(item, b"", NOW))
        assert await to_the_end(feed) == [("a", State.SUCCESS, 100.0)]


async def test_what_happens_while_the_reader_learns_is_told_once() -> None:
    live = Live()
    item = queued()
    runs = started(item)
    with live.feeds.following(["a"]) as feed:
        move(live, item, runs)
        live.report(runs.lease, 10.0, None)
        live.report(runs.lease, 20.0, None)
        # It read this before the second report.
        feed.begin([replace(runs, percent=10.0)])
        assert [each.percent for each in await heard(feed, 1)] == [20.0]
        move(live, runs, succeed(runs, b"", NOW))
        assert await to_the_end(feed) == [("a", State.SUCCESS, 100.0)]


async def test_nothing_is_heard_of_what_ended_or_is_not_there() -> None:
    live = Live()
    ended = cancel(queued(), NOW)
    with live.feeds.following(["a", "b"]) as feed:
        feed.begin([ended])
        assert not live.feeds
        assert await to_the_end(feed) == []


async def test_an_item_that_is_queued_again_is_over_for_those_who_heard_its_end() -> None:
    live = Live()
    item, other = started(queued()), queued("b")
    with following(live, item, other) as feed:
        failed = move(live, item, fail(item, "no", False, NOW, 0.0))
        again = requeue(failed, NOW)
        move(live, failed, again)
        move(live, other, cancel(other, NOW))
        told = [state for _, state, _ in await to_the_end(feed)]
        assert told == [State.ERROR, State.CANCELLED]
    with following(live, again) as feed:
        move(live, again, started(again))
        assert [each.state for each in await heard(feed, 1)] == [State.EXECUTING]


async def test_parts_of_an_item_are_its_progress() -> None:
    live = Live()
    item = started(replace(queued(), lane=Lane.LONG))
    with following(live, item) as feed:
        parted = move(live, item, split(item, NOW))
        further = move(live, parted, replace(parted, percent=45.0))
        joining = move(live, further, join(further, NOW))
        runs = move(live, joining, started(joining))
        live.report(runs.lease, 50.0, None)
        move(live, runs, succeed(runs, b"", NOW))
        told = [(each.shown_state, each.percent) async for each in feed.news()]
        assert told == [("executing", 90.0), ("executing", 95.0), ("success", 100.0)]


async def test_each_reader_has_news_of_its_own() -> None:
    live = Live()
    item = queued()
    with following(live, item) as slow, following(live, item) as quick:
        runs = move(live, item, started(item))
        assert len(await heard(quick, 1)) == 1
        move(live, runs, succeed(runs, b"", NOW))
        assert len(await to_the_end(quick)) == 1
        assert len(await to_the_end(slow)) == 2


async def test_a_reader_that_leaves_leaves_nothing() -> None:
    live = Live()
    item, kept = queued(), queued("b")
    with following(live, kept) as other:
        with following(live, item, kept):
            move(live, item, started(item))
        assert live.feeds.followed() == ["b"]
        move(live, kept, cancel(kept, NOW))
        assert len(await to_the_end(other)) == 1
    assert not live.feeds
    assert not vars(live.feeds)["_readers"]


async def test_a_process_that_stops_ends_all_that_is_followed() -> None:
    live = Live()
    item = queued()

    async def read(feed: Feed) -> list[Any]:
        return await to_the_end(feed)

    with following(live, item) as feed:
        reading = asyncio.create_task(read(feed))
        await asyncio.sleep(0)
        live.close()
        with pytest.raises(Unavailable, match="stopping"):
            await reading
    with following(live, item) as late, pytest.raises(Unavailable, match="stopping"):
        await read(late)


async def test_what_is_said_to_have_changed_elsewhere_matters_to_those_who_follow_it() -> None:
    live = Live()
    live.feeds.doubt(["a"])
    assert not live.feeds.doubted.is_set()
    with following(live, queued()):
        assert live.feeds.began.is_set()
        live.feeds.doubt(["b", "a", "a"])
        assert live.feeds.doubted.is_set()
        assert live.feeds.take_doubtful() == ["a"]
        assert live.feeds.take_doubtful() == []
