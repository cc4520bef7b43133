"""What parts of an item made: kept for it while it goes on, and not longer."""

from datetime import timedelta

import pytest

from services.chassis.database import now
from services.chassis.errors import Conflict, Invalid
from services.media.store import parts
from tests.media.house import House
from tests.media.test_outputs import ITEM, commit, made
from tests.media.test_settling import age_commits
from vitascope.media.v1 import internal_pb2
from vitascope.work.v1 import work_pb2

WHOLE = "WHOLE7XZ"
PLACE = internal_pb2.Destination(part=internal_pb2.PartDestination(item_id=WHOLE))


async def age_parts(house: House) -> None:
    """Make the ledger be asked about every whole."""
    async with house.backends.database.transaction() as tx:
        await parts.ask_later(tx, [WHOLE], now() - timedelta(minutes=1))


async def keep(house: House, data: bytes = b"pictures", attempt: int = 1) -> str:
    """Commit what a part made; returns its path."""
    house.ledger.states.setdefault(WHOLE, work_pb2.STATE_EXECUTING)
    [path] = await commit(
        house, [await made(house, data, attempt=attempt)], attempt=attempt, to=PLACE
    )
    return path


async def test_path_is_the_key_also_when_it_is_said_again(house: House) -> None:
    assert await keep(house) == f"work/{ITEM}/1/output"
    assert await keep(house) == f"work/{ITEM}/1/output"
    assert house.objects() == [f"work/{ITEM}/1/output"]


async def test_another_attempt_replaces_the_one_before(house: House) -> None:
    await keep(house)
    assert await keep(house, attempt=2) == f"work/{ITEM}/2/output"
    await house.has_left(1)
    with pytest.raises(Conflict):
        await keep(house, attempt=1)
    await house.has_left(1)
    assert house.objects() == [f"work/{ITEM}/2/output"]


async def test_only_what_lies_in_the_attempts_folder_is_taken(house: House) -> None:
    output = await made(house, b"pictures")
    output.storage_key = "uploads/somebody/original"
    with pytest.raises(Invalid):
        await commit(house, [output], to=PLACE)


async def test_stays_while_the_whole_goes_on(house: House) -> None:
    await keep(house)
    house.ledger.states[ITEM] = work_pb2.STATE_SUCCESS
    await age_commits(house)
    await age_parts(house)
    await house.settling.settle()
    await house.upkeep.sweep()
    assert house.objects() == [f"work/{ITEM}/1/output"]


@pytest.mark.parametrize(
    "end", [work_pb2.STATE_SUCCESS, work_pb2.STATE_ERROR, work_pb2.STATE_CANCELLED, None]
)
async def test_goes_with_the_wholes_end(house: House, end: work_pb2.State.ValueType | None) -> None:
    await keep(house)
    house.ledger.states[ITEM] = work_pb2.STATE_SUCCESS
    del house.ledger.states[WHOLE]
    if end is not None:
        house.ledger.states[WHOLE] = end
    await house.settling.settle()
    assert house.objects(), "too young to be asked about"
    await age_parts(house)
    await house.settling.settle()
    await house.is_empty()


async def test_is_withdrawn_when_the_part_did_not_end_well(house: House) -> None:
    await keep(house)
    house.ledger.states[ITEM] = work_pb2.STATE_ERROR
    await age_commits(house)
    await house.settling.settle()
    await house.is_empty()
