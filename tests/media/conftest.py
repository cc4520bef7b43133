from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.media.sandbox import Sandbox
from tests.kit.webserver import Server
from tests.media.front import gateway_before
from tests.media.holdings import Clock, Holdings
from tests.media.house import OTHER_TEAM, House, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as running:
        yield running


@pytest.fixture
async def url(house: House) -> AsyncIterator[str]:
    """Where a gateway answers in front of the media service."""
    async with gateway_before(house) as url:
        yield url


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A web server that says what a test tells it to."""
    async with Server().running() as running:
        yield running


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A sandbox for one item at a time."""
    sandbox = Sandbox(tmp_path / "sandbox", 1)
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def either_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, of either engine."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def either_house(either_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """The service on either engine."""
    async with open_house(tmp_path, database_url=either_url) as running:
        yield running


@pytest.fixture
def mine(either_house: House) -> Holdings:
    """The outputs of the first team, on either engine."""
    return Holdings(either_house)


@pytest.fixture
def theirs(either_house: House) -> Holdings:
    """Those of the other team, in the same house."""
    return Holdings(either_house, OTHER_TEAM)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that goes right until a test moves it."""
    clock = Clock()
    clock.install(monkeypatch)
    return clock
