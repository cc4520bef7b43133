"""The rate of requests around real calls: headers on answers, refusals, nothing without a limit."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody

from services.chassis.errors import from_rpc
from services.chassis.limits import Limits
from tests.chassis.servicers import Ledger, Media, register
from tests.kit.identities import Identities, running
from vitascope.media.v1.media_pb2 import DownloadOriginalRequest
from vitascope.media.v1.media_pb2_grpc import MediaServiceStub


class Downloads(Media):
    """Sends metadata of its own before the bytes, as downloads do."""

    async def DownloadOriginal(
        self, request: DownloadOriginalRequest, context: Any
    ) -> AsyncIterator[HttpBody]:
        await context.send_initial_metadata((("http-status", "206"),))
        yield HttpBody(data=b"x")


def rate_of(metadata: Any) -> dict[str, str]:
    return {key: value for key, value in metadata if key.startswith("http-header-ratelimit")}


@pytest.fixture
def identities() -> Identities:
    return Identities()


def limit(identities: Identities, per_minute: int) -> None:
    key = identities.signing_keys["key-1"]
    limits = {"team-a": Limits(requests_per_minute=per_minute)}
    identities.signing_keys["key-1"] = replace(key, limits=limits)


@pytest.mark.parametrize("media", [Media, Downloads])
async def test_answers_say_what_is_left(identities: Identities, media: type[Media]) -> None:
    limit(identities, 2)
    servicers = register(Ledger(), media())
    async with running(*servicers, authenticator=identities.authenticator()) as (channel, _):
        stub = MediaServiceStub(channel)
        for left in ("1", "0"):
            call = stub.DownloadOriginal(DownloadOriginalRequest(), metadata=identities.bearer())
            metadata = list(await call.initial_metadata())
            assert rate_of(metadata)["http-header-ratelimit-remaining"] == left
            assert (("http-status", "206") in metadata) is (media is Downloads)
            assert [body async for body in call]
        call = stub.DownloadOriginal(DownloadOriginalRequest(), metadata=identities.bearer())
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        error = from_rpc(caught.value)
        assert error.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error.retry_after
        assert error.metadata["http-header-ratelimit-limit"] == "2"
        other = identities.bearer("team-b")
        free = stub.DownloadOriginal(DownloadOriginalRequest(), metadata=other)
        assert rate_of(await free.initial_metadata()) == {}
        assert [body async for body in free]
