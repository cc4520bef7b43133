"""What surrounds every RPC, seen by real calls of all four kinds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import grpc
import pytest
import structlog
from google.api.httpbody_pb2 import HttpBody
from grpc_health.v1 import health_pb2

from services.chassis import telemetry
from services.chassis.contract import Method, methods_of
from services.chassis.errors import NEUTRAL, NotFound, Violation, VitascopeError, from_rpc
from services.chassis.interceptors import Interceptors
from tests.chassis.servicers import Ledger, Media, register
from tests.kit.identities import Identities, Metadata, running, service
from tests.kit.waiting import wait_for_async
from vitascope.media.v1.media_pb2 import DownloadOriginalRequest, UploadMediaRequest
from vitascope.media.v1.media_pb2_grpc import MediaServiceStub
from vitascope.work.v1.work_pb2 import (
    Submission,
    SubmitRequest,
    SubmitResponse,
    WorkRequest,
    WorkResponse,
)
from vitascope.work.v1.work_pb2_grpc import LedgerServiceStub

GOOD = SubmitRequest(
    submissions=[Submission(owner="videos", account_id="a", request_id="r", kind="video.ingest")]
)


@dataclass
class House:
    """A running server with one RPC of each kind."""

    identities: Identities
    ledger: Ledger
    media: Media
    channel: grpc.aio.Channel

    def act(self, act: Callable[[], Awaitable[None]]) -> None:
        """Have every handler do this."""
        self.ledger.act = self.media.act = act

    async def submit(self, metadata: Metadata, request: SubmitRequest = GOOD) -> SubmitResponse:
        return await LedgerServiceStub(self.channel).Submit(request, metadata=metadata)

    async def work(self, metadata: Metadata) -> list[str]:
        messages = iter([WorkRequest(), WorkRequest()])
        call = LedgerServiceStub(self.channel).Work(messages, metadata=metadata)
        return [response.assignment.account_id async for response in call]

    async def work_once(self, metadata: Metadata) -> None:
        """Expect an end after one message: grpc.aio hides a status that meets another write."""
        call = LedgerServiceStub(self.channel).Work(metadata=metadata)
        await call.write(WorkRequest())
        assert isinstance(await call.read(), WorkResponse)
        await call.read()

    async def upload(self, metadata: Metadata) -> list[str]:
        message = UploadMediaRequest(file=HttpBody(data=b"12"))
        call = MediaServiceStub(self.channel).UploadMedia(iter([message] * 3), metadata=metadata)
        response = await call
        return [response.project_id, response.video_id]

    async def download(self, metadata: Metadata) -> list[str]:
        call = MediaServiceStub(self.channel).DownloadOriginal(
            DownloadOriginalRequest(), metadata=metadata
        )
        return [body.data.decode() async for body in call]

    async def every_kind(self) -> AsyncIterator[VitascopeError]:
        """Call each RPC with good credentials; gives the error that each ends with."""
        ann, videos = self.identities.bearer(), service("videos")
        yield await refused(self.submit(videos))
        yield await refused(self.work_once(videos))
        yield await refused(self.upload(ann))
        yield await refused(self.download(ann))


async def refused(call: Awaitable[object]) -> VitascopeError:
    """Return the error that a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc(caught.value)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    identities, ledger, media = Identities(), Ledger(), Media()
    async with running(*register(ledger, media), authenticator=identities.authenticator()) as (
        channel,
        _,
    ):
        yield House(identities, ledger, media, channel)


def count(method: str, code: str) -> float:
    labels = {"method": method, "code": code}
    return telemetry.REGISTRY.get_sample_value("vitascope_rpc_seconds_count", labels) or 0


async def test_every_kind_of_rpc_knows_its_caller(house: House) -> None:
    ann, videos = house.identities.bearer("team-b"), service("videos")
    assert (await house.submit(videos)).items[0].owner == "videos"
    assert await house.work(videos) == ["videos", "videos"]
    assert await house.upload(ann) == ["6", "ann"]
    assert await house.download(ann) == ["team-b", "team-b"]


async def test_every_kind_of_rpc_tells_named_errors(house: House) -> None:
    async def act() -> None:
        raise NotFound("There is no such thing.", violations=[Violation("id", "is unknown")])

    house.act(act)
    errors = [error async for error in house.every_kind()]
    assert len(errors) == 4
    for error in errors:
        assert type(error) is NotFound
        assert error.message == "There is no such thing."
        assert error.violations == (Violation("id", "is unknown"),)


async def test_every_kind_of_rpc_hides_what_broke_and_logs_it(house: House) -> None:
    async def act() -> None:
        raise LookupError("column users.password_hash is not there")

    house.act(act)
    with structlog.testing.capture_logs() as logs:
        raw = [str(error) async for error in house.every_kind()]
        metadata = (*service("videos"), ("x-request-id", "req-7"))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await house.submit(metadata)
    assert len(raw) == 4
    assert not any("password_hash" in text for text in raw)
    assert caught.value.code() == grpc.StatusCode.INTERNAL
    assert caught.value.details() == f"{NEUTRAL} Request id: req-7."
    assert len([line for line in logs if line["event"] == "rpc failed"]) == 5


async def test_every_kind_of_rpc_refuses_strangers_before_its_handler(house: House) -> None:
    work = LedgerServiceStub(house.channel).Work()
    upload = MediaServiceStub(house.channel).UploadMedia()
    calls: list[Awaitable[object]] = [house.submit(()), work.read(), upload, house.download(())]
    for call in calls:
        assert (await refused(call)).code == grpc.StatusCode.UNAUTHENTICATED
    assert house.ledger.reached == house.media.reached == 0


async def test_a_stream_that_fails_keeps_what_it_sent(house: House) -> None:
    async def act() -> None:
        raise NotFound("The rest is gone.")

    house.act(act)
    call = MediaServiceStub(house.channel).DownloadOriginal(
        DownloadOriginalRequest(), metadata=house.identities.bearer()
    )
    received = [await call.read(), await call.read()]
    assert [body.data for body in received if isinstance(body, HttpBody)] == [b"team-a"] * 2
    assert type(await refused(call.read())) is NotFound


async def test_broken_rules_name_json_paths(house: House) -> None:
    request = SubmitRequest(submissions=[GOOD.submissions[0], Submission(owner="videos")])
    error = await refused(house.submit(service("videos"), request))
    assert error.reason == "BadRequestException"
    fields = [violation.field for violation in error.violations]
    assert fields == ["submissions[1].accountId", "submissions[1].requestId", "submissions[1].kind"]
    assert "submissions[1].accountId" in error.message
    assert house.ledger.reached == 0


async def test_streamed_requests_are_checked_one_by_one(house: House) -> None:
    received = []

    async def take(requests: AsyncIterator[SubmitRequest], _: object) -> SubmitResponse:
        async for request in requests:
            received.append(request)
        return SubmitResponse()

    handler = grpc.stream_unary_rpc_method_handler(
        take, SubmitRequest.FromString, SubmitResponse.SerializeToString
    )
    methods = {"/t.T/Take": Method("/t.T/Take", "public", has_rules=True)}
    server = grpc.aio.server(interceptors=[Interceptors(methods, Identities().authenticator())])
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("t.T", {"Take": handler})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.stream_unary(
            "/t.T/Take", SubmitRequest.SerializeToString, SubmitResponse.FromString
        )
        error = await refused(call(iter([GOOD, SubmitRequest(), GOOD])))
    await server.stop(None)
    assert [violation.field for violation in error.violations] == ["submissions"]
    assert received == [GOOD]


@pytest.mark.parametrize(
    ("given", "kept"), [("req-1", True), ("", False), ("x" * 129, False), ("two words", True)]
)
async def test_the_request_id_goes_through_and_comes_back(
    house: House, given: str, kept: bool
) -> None:
    call = LedgerServiceStub(house.channel).Submit(
        GOOD, metadata=(*service("videos"), ("x-request-id", given))
    )
    seen = (await call).items[0].request_id
    assert (seen == given) is kept
    assert seen
    assert dict(await call.trailing_metadata())["x-request-id"] == seen


async def test_one_line_an_rpc_says_who_and_how(house: House) -> None:
    with structlog.testing.capture_logs() as logs:
        await house.download(house.identities.bearer())
        await refused(house.submit(()))
        await wait_for_async(lambda: len(logs) == 2, what="two lines")
    lines = {line["method"]: line for line in logs}
    download = lines["/vitascope.media.v1.MediaService/DownloadOriginal"]
    assert (download["code"], download["caller"]) == ("OK", "user")
    submit = lines["/vitascope.work.v1.LedgerService/Submit"]
    assert (submit["code"], submit["caller"]) == ("UNAUTHENTICATED", "anonymous")


async def test_refusals_are_counted_too(house: House) -> None:
    method = "/vitascope.work.v1.LedgerService/Submit"
    before = count(method, "OK"), count(method, "UNAUTHENTICATED")
    await house.submit(service("videos"))
    await refused(house.submit(()))
    await wait_for_async(
        lambda: (
            (count(method, "OK"), count(method, "UNAUTHENTICATED"))
            == (before[0] + 1, before[1] + 1)
        ),
        what="both calls to be counted",
    )


async def test_a_caller_who_leaves_is_counted_as_cancelled(house: House) -> None:
    reached = asyncio.Event()

    async def act() -> None:
        reached.set()
        await asyncio.Event().wait()

    house.act(act)
    method = "/vitascope.work.v1.LedgerService/Submit"
    before = count(method, "CANCELLED")
    call = LedgerServiceStub(house.channel).Submit(GOOD, metadata=service("videos"))
    waiting = asyncio.ensure_future(call)
    await asyncio.wait_for(reached.wait(), 10)
    call.cancel()
    await asyncio.wait([waiting])
    await wait_for_async(
        lambda: count(method, "CANCELLED") == before + 1, what="the cancelled call to be counted"
    )


async def test_a_download_that_breaks_off_is_counted_and_its_handler_closed(house: House) -> None:
    method = "/vitascope.media.v1.MediaService/DownloadOriginal"
    before = count(method, "CANCELLED")
    # More than the windows hold: the handler waits in the middle of a write.
    house.media.size = 4 * 2**20
    house.media.times = 100
    call = MediaServiceStub(house.channel).DownloadOriginal(
        DownloadOriginalRequest(), metadata=house.identities.bearer()
    )
    await call.read()
    call.cancel()
    await wait_for_async(
        lambda: count(method, "CANCELLED") == before + 1, what="the broken download to be counted"
    )
    assert house.media.closed == 1


def test_a_service_with_an_open_door_does_not_start() -> None:
    with pytest.raises(ValueError, match=r"/grpc\.health\.v1\.Health/Check"):
        methods_of([health_pb2.DESCRIPTOR.services_by_name["Health"]])
