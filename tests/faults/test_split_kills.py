"""Items that are done in parts, while the ledger and the workers die: each ends once, and whole."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from services.chassis.clients import Clients
from services.chassis.errors import Unavailable
from services.chassis.settings import Settings
from tests.kit.servers import Server, all_started, free_port, listens
from tests.kit.waiting import wait_for_awaited
from tests.media.kinds import WORKER
from vitascope.work.v1 import admin_pb2, work_pb2
from vitascope.work.v1.admin_pb2_grpc import WorkAdminServiceStub
from vitascope.work.v1.work_pb2_grpc import LedgerServiceStub

ITEMS = 8
WORDS = [f"word{n}/{0.1 + n % 3 / 4}" for n in range(6)]
ASKED = " ".join(WORDS)
MADE = " ".join(word.partition("/")[0].upper() for word in WORDS)
KILLS = ("worker", "ledger", "worker", "both", "ledger")
SECONDS = 240.0


@dataclass
class House:
    """A ledger and two workers as processes, and those who ask them."""

    ledger: Server
    workers: list[Server]
    owner: Clients
    operator: Clients

    async def submit(self, *asked: str) -> list[str]:
        """Have texts split and joined; return the ids of the items."""
        submissions = [
            work_pb2.Submission(
                owner="videos",
                account_id=f"team {number % 2}",
                request_id=f"{number}",
                kind="test.split",
                spec=StringValue(value=each).SerializeToString(),
                lane=work_pb2.LANE_LONG,
            )
            for number, each in enumerate(asked)
        ]
        stub = self.owner.stub(LedgerServiceStub)
        response = await stub.Submit(work_pb2.SubmitRequest(submissions=submissions))
        return [item.item_id for item in response.items]

    async def look(self, item_ids: list[str]) -> list[work_pb2.Item]:
        """Return items as they are; none while the ledger is away."""
        stub = self.owner.stub(LedgerServiceStub)
        try:
            response = await stub.FindItems(work_pb2.FindItemsRequest(item_ids=item_ids))
        except Unavailable:
            return []
        return list(response.items)

    async def close_up(self, item_id: str) -> admin_pb2.GetItemResponse:
        """Return all that is known of an item."""
        stub = self.operator.stub(WorkAdminServiceStub)
        return await stub.GetItem(admin_pb2.GetItemRequest(item_id=item_id))

    def strike(self, who: str) -> None:
        """Kill -9 somebody, and start it again."""
        chance = random.Random(who)  # noqa: S311 - which of two
        struck = [self.ledger] if who in ("ledger", "both") else []
        struck += [chance.choice(self.workers)] if who in ("worker", "both") else []
        for server in struck:
            server.kill()
        for server in struck:
            server.start()


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    port = free_port()
    return Settings.model_validate(
        {
            "database_url": request.getfixturevalue(request.param),
            "internal_key": "k" * 32,
            "encryption_key": "k" * 32,
            "storage_url": f"file://{tmp_path}/storage",
            # Nobody takes the events; nobody else is needed.
            "kafka_servers": f"127.0.0.1:{free_port()}",
            "tasks_address": f"127.0.0.1:{port}",
            "media_address": f"127.0.0.1:{free_port()}",
            "accounts_address": f"127.0.0.1:{free_port()}",
            "scratch_dir": tmp_path / "scratch",
        }
    )


@pytest.fixture
async def house(settings: Settings, tmp_path: Path) -> AsyncIterator[House]:
    async with asking(settings, "videos") as owner, asking(settings, "cli") as operator:
        ledger, *workers = _servers(settings, tmp_path)
        with all_started([ledger, *workers]):
            yield House(ledger, workers, owner, operator)
    assert not list((tmp_path / "scratch").glob("*/items/*"))


@asynccontextmanager
async def asking(settings: Settings, name: str) -> AsyncIterator[Clients]:
    clients = Clients(settings, name)
    try:
        yield clients
    finally:
        await clients.close()


def _servers(settings: Settings, folder: Path) -> Iterator[Server]:
    environment = dict(os.environ) | {
        f"VITASCOPE_{name.upper()}": str(getattr(settings, name))
        for name in settings.model_fields_set
    }
    environment |= {"VITASCOPE_INTERNAL_KEY": "k" * 32, "VITASCOPE_ENCRYPTION_KEY": "k" * 32}
    port = int(settings.tasks_address.rpartition(":")[2])
    program = (sys.executable, "-m", "services.tasks")
    log = folder / "ledger.log"
    yield Server(program, log, lambda: listens(port), environment=environment)
    for name in ("one", "two"):
        named = environment | {"VITASCOPE_WORKER_ID": name}
        log = folder / f"{name}.log"
        yield Server(WORKER, log, lambda: True, environment=named)


async def until(look: Callable[[], Awaitable[bool]], what: str) -> None:
    """Return once `look` says so; fail with `what` after a while."""
    await wait_for_awaited(look, seconds=SECONDS, what=what)


async def ended(house: House, item_ids: list[str]) -> list[work_pb2.Item]:
    """Return items once they ended."""

    async def over() -> bool:
        found = await house.look(item_ids)
        return bool(found) and all(item.HasField("completed_at") for item in found)

    await until(over, "the end of all items")
    return await house.look(item_ids)


async def parts_done(house: House, item_ids: list[str], wanted: int) -> int:
    """Return how many parts ended, once there are so many."""
    done = 0

    async def there_are() -> bool:
        nonlocal done
        with suppress(Unavailable):
            looks = [await house.close_up(item_id) for item_id in item_ids]
            parts = [part for each in looks for part in each.parts]
            done = sum(part.state == work_pb2.STATE_SUCCESS for part in parts)
        return done >= wanted

    await until(there_are, f"{wanted} parts")
    return done


async def test_what_is_split_ends_once_and_whole_whoever_dies(house: House) -> None:
    item_ids = await house.submit(*[ASKED] * ITEMS)
    done = 0
    for who in KILLS:
        done = await parts_done(house, item_ids, done + 2)
        await asyncio.to_thread(house.strike, who)
    for item in await ended(house, item_ids):
        assert (item.state, item.error_message) == (work_pb2.STATE_SUCCESS, "")
        assert StringValue.FromString(item.result).value == MADE
        parts = (await house.close_up(item.item_id)).parts
        assert [part.state for part in parts] == [work_pb2.STATE_SUCCESS] * len(WORDS)
    listed = admin_pb2.ListItemsRequest(page_size=1000, with_parts=True)
    every = (await house.operator.stub(WorkAdminServiceStub).ListItems(listed)).items
    assert len(every) == ITEMS * (1 + len(WORDS))


async def test_a_bad_part_leaves_nothing_behind(house: House) -> None:
    item_ids = await house.submit(f"{ASKED} bad/0 {' '.join(['slow/15'] * 9)}", ASKED)
    await parts_done(house, item_ids, 1)
    await asyncio.to_thread(house.strike, "ledger")
    bad, good = await ended(house, item_ids)
    assert (bad.state, bad.error_message) == (work_pb2.STATE_ERROR, "this part is bad")
    assert good.state == work_pb2.STATE_SUCCESS

    async def nothing_runs() -> bool:
        parts = (await house.close_up(bad.item_id)).parts
        return all(part.HasField("completed_at") for part in parts)

    await until(nothing_runs, "the other parts to be called off")
