"""What an account stores: asked of the media service, remembered for seconds."""

from typing import Any, cast

import pytest

from services.chassis.errors import Unavailable
from services.tasks.actions import usage
from services.tasks.actions.usage import Usage
from vitascope.media.v1.outputs_pb2 import GetUsageRequest, GetUsageResponse


class Media:
    """Answers with how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    async def GetUsage(self, request: GetUsageRequest, timeout: float) -> GetUsageResponse:
        self.asked += 1
        if self.away:
            raise Unavailable("media is away")
        return GetUsageResponse(stored_bytes=self.asked)


async def test_an_answer_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    media = Media()
    known = Usage(cast(Any, media))
    assert [await known.stored_bytes("a"), await known.stored_bytes("a")] == [1, 1]
    assert await known.stored_bytes("b") == 2
    monkeypatch.setattr(usage, "REMEMBERED_SECONDS", 0.0)
    fresh = Usage(cast(Any, media))
    assert [await fresh.stored_bytes("a"), await fresh.stored_bytes("a")] == [3, 4]
    media.away = True
    assert await fresh.stored_bytes("a") == 4
    assert await fresh.stored_bytes("new") == 0
