"""Each store, with a worker that takes there what it made."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services.chassis.errors import Conflict, Unavailable
from services.media import operations
from services.media.worker import leases
from tests.kit.waiting import wait_for_async
from tests.kit.webserver import Server, answer
from tests.kit.youtube import KEY, TOKEN, Fault, Youtube, youtube_stand_in
from tests.media import kinds
from tests.media.bench import LEASE, Bench, a_bench
from tests.media.ledger import TO_ACCOUNT
from vitascope.media.v1.internal_pb2 import (
    Delivery,
    Destination,
    DummyDestination,
    S3SignedDestination,
    YoutubeDestination,
)
from vitascope.tasks.v2.specs_pb2 import ImageThumbResult, ImageThumbSpec, VideoCreateResult
from vitascope.work.v1.work_pb2 import Finished, Lease

SECOND = Lease(item_id="ITEM", attempt=2)
SIGNED = "/bucket/made?X-Amz-Signature=a-secret-signature"
FILM = bytes(600_000)
TO_YOUTUBE = Destination(
    youtube=YoutubeDestination(access_token=TOKEN, developer_key=KEY, title="A film")
)


@pytest.fixture(autouse=True)
def _test_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "REGISTRY", operations.REGISTRY)
    kinds.register()


@pytest.fixture
def youtube() -> Iterator[Youtube]:
    with youtube_stand_in() as running:
        yield running


@pytest.fixture
async def bench(tmp_path: Path, youtube: Youtube) -> AsyncIterator[Bench]:
    async with a_bench(tmp_path, youtube_url=youtube.url) as bench:
        yield bench


@pytest.fixture
async def spec(server: Server) -> ImageThumbSpec:
    server.answers["/source"] = answer(FILM)
    return ImageThumbSpec(url=server.url("/source"))


def to(server: Server) -> Destination:
    """A signed address on a web server."""
    return Destination(s3_signed=S3SignedDestination(url=server.url(SIGNED)))


async def end(
    bench: Bench, kind: str, spec: ImageThumbSpec, place: Destination, lease: Lease = LEASE
) -> Finished:
    """Have an attempt made, from what the one before saved; how it ended."""
    checkpoint = bench.ledger.saved[-1] if bench.ledger.saved else b""
    bench.ledger.assign(kind, spec, lease, destination=place, checkpoint=checkpoint)
    await wait_for_async(lambda: bench.ledger.finished(lease), what="the end")
    return bench.ledger.finished(lease)[0]


def sources_read(server: Server) -> int:
    return len([head for head in server.requests if head.startswith("GET /source")])


@pytest.mark.parametrize(
    ("place", "commits"),
    [(TO_ACCOUNT, 1), (Destination(dummy=DummyDestination()), 0)],
)
async def test_what_stays_in_the_house(
    place: Destination, commits: int, bench: Bench, spec: ImageThumbSpec
) -> None:
    ended = await end(bench, "test.copy", spec, place)
    result = ImageThumbResult.FromString(ended.success.result)
    assert (result.width, bool(result.output)) == (3, bool(commits))
    assert len(bench.store.commits) == commits
    assert len(await bench.objects()) == commits
    assert bench.ledger.saved == []


async def test_a_file_goes_to_a_signed_address(
    bench: Bench, server: Server, spec: ImageThumbSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "SECONDS_TO_FIRST_PROGRESS", 0.0)
    server.answers[SIGNED] = answer()
    ended = await end(bench, "test.copy", spec, to(server))
    result = ImageThumbResult.FromString(ended.success.result)
    assert (result.width, result.output) == (3, server.url("/bucket/made"))
    assert server.bodies == [FILM]
    # Kept for the item itself, and seen by nobody.
    [commit] = bench.store.commits
    assert commit.destination.part.item_id == "ITEM"
    percents = bench.ledger.progress(LEASE)
    assert percents
    assert percents == sorted(percents)
    assert percents[-1] < 100


@pytest.mark.parametrize("is_remote", [False, True])
async def test_what_was_made_is_not_made_again(
    bench: Bench, server: Server, spec: ImageThumbSpec, is_remote: bool
) -> None:
    bench.storage.is_remote = is_remote
    server.answers[SIGNED] = [answer(status="503 x", retry_after="7"), answer()]
    failure = (await end(bench, "test.copy", spec, to(server))).failure
    assert (failure.retryable, failure.retry_after_seconds) == (True, 7)
    assert "a-secret-signature" not in failure.message
    ended = await end(bench, "test.copy", spec, to(server), SECOND)
    assert ImageThumbResult.FromString(ended.success.result).width == 3
    assert server.bodies == [FILM, FILM]
    assert sources_read(server) == 1


async def test_what_was_sent_is_not_sent_again(
    bench: Bench, server: Server, spec: ImageThumbSpec
) -> None:
    """The worker died after the file was there and before it could say so."""
    server.answers[SIGNED] = answer()
    first = await end(bench, "test.copy", spec, to(server))
    second = await end(bench, "test.copy", spec, to(server), SECOND)
    assert second.success.result == first.success.result
    assert server.bodies == [FILM]


async def test_a_refusal_is_final(bench: Bench, server: Server, spec: ImageThumbSpec) -> None:
    said = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    server.answers[SIGNED] = answer(said, "403 Forbidden")
    failure = (await end(bench, "test.copy", spec, to(server))).failure
    assert not failure.retryable
    assert failure.message == (
        "The server 127.0.0.1 answered the file with status 403, AccessDenied: Request has expired."
    )


@pytest.mark.parametrize(
    ("kind", "place", "message"),
    [
        ("test.copy", TO_YOUTUBE, "YouTube takes videos, and the task made none"),
        (
            "test.film",
            Destination(s3_signed=S3SignedDestination(url="http://127.0.0.1/")),
            "a signed address takes one file, and the task made 2",
        ),
    ],
)
async def test_what_a_store_cannot_take(
    kind: str, place: Destination, message: str, bench: Bench, spec: ImageThumbSpec
) -> None:
    failure = (await end(bench, kind, spec, place)).failure
    assert (failure.message, failure.retryable) == (message, False)
    assert await bench.objects() == set()


async def test_a_video_goes_to_youtube(
    bench: Bench, youtube: Youtube, spec: ImageThumbSpec
) -> None:
    ended = await end(bench, "test.film", spec, TO_YOUTUBE)
    result = VideoCreateResult.FromString(ended.success.result)
    assert result.export == "https://www.youtube.com/watch?v=video-0"
    # Only the video has a place there.
    assert (result.duration, result.preview) == (1, "")
    [video] = youtube.videos.values()
    assert (bytes(video.data), video.content_type) == (FILM, "video/mp4")


async def test_the_session_is_stored_before_anything_is_sent_to_it(
    bench: Bench, youtube: Youtube, spec: ImageThumbSpec
) -> None:
    youtube.open.clear()
    bench.ledger.assign("test.film", spec, LEASE, destination=TO_YOUTUBE)
    await wait_for_async(lambda: youtube.videos, what="the upload")
    saved = [Delivery.FromString(each) for each in bench.ledger.saved]
    assert [bool(each.session) for each in saved] == [False, True]
    youtube.open.set()
    await wait_for_async(lambda: bench.ledger.finished(LEASE), what="the end")
    assert Delivery.FromString(bench.ledger.saved[-1]).address


async def test_another_attempt_ends_the_upload_of_one_that_was_lost(
    bench: Bench, youtube: Youtube, server: Server, spec: ImageThumbSpec
) -> None:
    youtube.faults = {("PUT", 0): Fault(keep=1 << 18, breaks=True)}
    youtube.open.clear()
    bench.ledger.assign("test.film", spec, LEASE, destination=TO_YOUTUBE)
    await wait_for_async(lambda: youtube.log[1:], what="the first to break")
    bench.ledger.lose(LEASE)
    youtube.open.set()
    ended = await end(bench, "test.film", spec, TO_YOUTUBE, SECOND)
    assert VideoCreateResult.FromString(ended.success.result).export.endswith("video-0")
    assert len(youtube.videos) == len(youtube.sessions) == 1
    assert sources_read(server) == 1


async def test_who_has_lost_the_lease_does_not_send(
    bench: Bench, server: Server, spec: ImageThumbSpec
) -> None:
    bench.ledger.errors.append(Conflict("The attempt has lost its lease."))
    failure = (await end(bench, "test.copy", spec, to(server))).failure
    assert failure.message == "The attempt has lost its lease."
    assert server.bodies == []


async def test_a_ledger_that_is_away_for_a_moment_is_waited_for(
    bench: Bench, server: Server, spec: ImageThumbSpec
) -> None:
    server.answers[SIGNED] = answer()
    bench.ledger.errors = [Unavailable("Away."), Unavailable("Away.")]
    ended = await end(bench, "test.copy", spec, to(server))
    assert ended.WhichOneof("outcome") == "success"
