"""Outputs that became visible although the ledger did not take the result."""

from datetime import timedelta

import pytest

from services.chassis.database import now
from services.chassis.errors import NotFound, Unavailable
from services.media.store import committing
from tests.media.house import House
from tests.media.test_outputs import ITEM, commit, made, processed, processed_file, served
from vitascope.work.v1 import work_pb2

DAY = timedelta(days=1)


async def age_commits(house: House) -> None:
    """Make every commit look a day older."""
    async with house.backends.database.transaction() as tx:
        asked = [attempt.item_id for attempt in await committing.unsettled(tx, now() + DAY, 100)]
        await committing.ask_later(tx, asked, now() - DAY)


@pytest.mark.parametrize("end", [work_pb2.STATE_CANCELLED, work_pb2.STATE_ERROR])
async def test_outputs_of_what_was_called_off_meanwhile_are_withdrawn(
    house: House, end: work_pb2.State.ValueType
) -> None:
    [path] = await commit(house, [await made(house, b"late")])
    house.ledger.states[ITEM] = end
    await house.settling.settle()
    assert (await served(house, path)).body == b"late", "too young to be asked about"
    await age_commits(house)
    await house.settling.settle()
    with pytest.raises(NotFound):
        await served(house, path)
    await house.is_empty()


async def test_a_processed_video_is_withdrawn_too(house: House) -> None:
    video_id = house.catalogue.add(parent_id="p")
    await commit(house, [await made(house, b"late")], to=processed(video_id))
    house.ledger.states[ITEM] = work_pb2.STATE_CANCELLED
    await age_commits(house)
    await house.settling.settle()
    with pytest.raises(NotFound):
        await processed_file(house, video_id)
    await house.is_empty()


@pytest.mark.parametrize("state", [work_pb2.STATE_SUCCESS, None])
async def test_outputs_that_count_or_are_old_stay(
    house: House, state: work_pb2.State.ValueType | None
) -> None:
    [path] = await commit(house, [await made(house, b"good")])
    if state is not None:
        house.ledger.states[ITEM] = state
    await age_commits(house)
    await house.settling.settle()
    house.ledger.states[ITEM] = work_pb2.STATE_ERROR
    await age_commits(house)
    await house.settling.settle()
    assert (await served(house, path)).body == b"good", "settled once and for all"


async def test_while_the_item_runs_it_is_asked_about_again(house: House) -> None:
    [path] = await commit(house, [await made(house, b"first")])
    house.ledger.states[ITEM] = work_pb2.STATE_EXECUTING
    await age_commits(house)
    await house.settling.settle()
    assert (await served(house, path)).body == b"first"
    [path] = await commit(house, [await made(house, b"second", attempt=2)], attempt=2)
    house.ledger.states[ITEM] = work_pb2.STATE_CANCELLED
    await age_commits(house)
    await house.settling.settle()
    with pytest.raises(NotFound):
        await served(house, path)


async def test_an_attempt_after_the_withdrawal_is_visible(house: House) -> None:
    await commit(house, [await made(house, b"first")])
    house.ledger.states[ITEM] = work_pb2.STATE_CANCELLED
    await age_commits(house)
    await house.settling.settle()
    [path] = await commit(house, [await made(house, b"second", attempt=2)], attempt=2)
    assert (await served(house, path)).body == b"second"


async def test_nothing_is_withdrawn_while_the_ledger_is_away(house: House) -> None:
    [path] = await commit(house, [await made(house, b"kept")])
    await age_commits(house)
    await house.videos.server.stop(0)
    with pytest.raises(Unavailable):
        await house.settling.settle()
    assert (await served(house, path)).body == b"kept"
