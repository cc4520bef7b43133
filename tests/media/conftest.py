from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.media.sandbox import Sandbox
from tests.kit.webserver import Server
from tests.media.front import gateway_before
from tests.media.house import House, open_house


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
