"""A scripted server and its client, which waits for as good as nothing between tries."""

from collections.abc import AsyncIterator

import pytest

from client import TasksClient, transport
from tests.client.double import Double, scripted


@pytest.fixture
async def double() -> AsyncIterator[Double]:
    async with scripted() as double:
        yield double


@pytest.fixture
async def tasks(double: Double, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TasksClient]:
    monkeypatch.setattr(transport, "FIRST_PAUSE_SECONDS", 0.001)
    async with TasksClient(double.url, "the secret", patience=5) as client:
        yield client
