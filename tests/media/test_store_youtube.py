"""Uploads to YouTube, and whatever goes wrong with them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.chassis.errors import Conflict
from services.chassis.outside import OutsideError, OutsideFailed, OutsideRefused, Policy
from services.media.worker.stores.sending import Sending
from services.media.worker.stores.youtube import Youtube as Store
from tests.kit.webserver import Server, answer
from tests.kit.youtube import GRANULE, KEY, TOKEN, Fault, Youtube, youtube_stand_in
from vitascope.media.v1.internal_pb2 import Delivery, Destination, OutputFile, YoutubeDestination

POLICY = Policy(max_bytes=1 << 16, max_seconds=10, allow_loopback=True)
CHUNK = 2 * GRANULE
# Five chunks, the last of them no multiple of anything.
SIZE = 4 * CHUNK + 1234
WATCH = "https://www.youtube.com/watch?v="


@dataclass
class Upload:
    """A file, and what is done with it."""

    youtube: Youtube
    path: Path
    delivery: Delivery
    place: YoutubeDestination
    saved: list[Delivery] = field(default_factory=list)
    parts: list[float] = field(default_factory=list)
    lost: bool = False

    async def save(self) -> None:
        if self.lost:
            raise Conflict("The attempt has lost its lease.")
        self.saved.append(Delivery.FromString(self.delivery.SerializeToString()))

    async def run(self) -> str:
        store = Store(self.youtube.url, POLICY, chunk_bytes=CHUNK, first_delay=0.001)
        sending = Sending(self.path, self.delivery, self.save, self.parts.append)
        return await store.send(Destination(youtube=self.place), sending)

    def again(self, delivery: Delivery) -> "Upload":
        """The attempt after this one, of which only the saved delivery is left."""
        return Upload(self.youtube, self.path, delivery, self.place)

    @property
    def puts(self) -> list[tuple[str, int]]:
        """What was PUT, and how it was answered."""
        return [(told, status) for method, told, status in self.youtube.log if method == "PUT"]


@pytest.fixture
def youtube() -> Iterator[Youtube]:
    with youtube_stand_in() as running:
        yield running


@pytest.fixture
def upload(youtube: Youtube, tmp_path: Path) -> Upload:
    path = tmp_path / "video.mp4"
    path.write_bytes(os.urandom(SIZE))
    file = OutputFile(name="output", size=SIZE, content_type="video/mp4")
    place = YoutubeDestination(
        access_token=TOKEN,
        developer_key=KEY,
        title="A cat",
        description="It sleeps.",
        tags=["cat", "sleep"],
        category_id=15,
        privacy_status="unlisted",
    )
    return Upload(youtube, path, Delivery(file=file), place)


def chunks(*starts: int) -> list[str]:
    """The ranges of the chunks that begin there."""
    return [f"bytes {start}-{min(start + CHUNK, SIZE) - 1}/{SIZE}" for start in starts]


def whole(upload: Upload) -> None:
    """See that there is one video, and that it is the file."""
    [video] = upload.youtube.videos.values()
    assert bytes(video.data) == upload.path.read_bytes()


async def test_a_video_is_described_and_uploaded_in_chunks(upload: Upload) -> None:
    assert await upload.run() == WATCH + "video-0"
    whole(upload)
    [video] = upload.youtube.videos.values()
    assert video.about == {
        "snippet": {
            "title": "A cat",
            "description": "It sleeps.",
            "tags": ["cat", "sleep"],
            "categoryId": "15",
        },
        "status": {"privacyStatus": "unlisted"},
    }
    assert video.content_type == "video/mp4"
    assert upload.puts == [
        *((told, 308) for told in chunks(*range(0, 4 * CHUNK, CHUNK))),
        *((told, 200) for told in chunks(4 * CHUNK)),
    ]
    assert upload.parts == sorted(upload.parts)
    assert upload.parts[-1] == 1.0
    # The session before a byte was sent to it, and that the end was near.
    assert [bool(each.session) for each in upload.saved] == [True, True]
    assert [each.closing for each in upload.saved] == [False, True]


async def test_what_is_not_said_is_not_sent(upload: Upload) -> None:
    upload.place = YoutubeDestination(access_token=TOKEN, developer_key=KEY, title="A cat")
    await upload.run()
    [video] = upload.youtube.videos.values()
    assert video.about == {"snippet": {"title": "A cat"}, "status": {"privacyStatus": "public"}}


HALF = CHUNK + GRANULE


@pytest.mark.parametrize(
    ("faults", "asked", "went_on_at"),
    [
        ({1: Fault(keep=GRANULE, breaks=True)}, True, HALF),
        ({1: Fault(keep=0, breaks=True)}, True, CHUNK),
        ({1: Fault(keep=CHUNK, breaks=True)}, True, 2 * CHUNK),
        ({1: Fault(keep=GRANULE)}, False, HALF),
        ({1: Fault(status=500, reason="backendError")}, True, CHUNK),
        ({1: Fault(status=503, reason="backendError")}, True, CHUNK),
        ({1: Fault(status=429, reason="rateLimitExceeded")}, True, CHUNK),
        ({1: Fault(status=403, reason="userRateLimitExceeded")}, True, CHUNK),
        ({0: Fault(keep=0)}, False, 0),
        ({0: Fault(keep=0, breaks=True)}, True, 0),
    ],
)
async def test_an_upload_goes_on_where_it_stopped(
    faults: dict[int, Fault], asked: bool, went_on_at: int, upload: Upload
) -> None:
    upload.youtube.faults = {("PUT", number): fault for number, fault in faults.items()}
    assert await upload.run() == WATCH + "video-0"
    whole(upload)
    told = [said for said, _ in upload.puts]
    after = max(faults) + 1
    if asked:
        assert told[after] == f"bytes */{SIZE}"
        after += 1
    assert told[after] == chunks(went_on_at)[0]
    assert len(upload.youtube.sessions) == 1


async def test_the_end_of_an_upload_may_go_unheard(upload: Upload) -> None:
    upload.youtube.faults = {("PUT", 4): Fault(breaks=True)}
    assert await upload.run() == WATCH + "video-0"
    assert upload.puts[-1] == (f"bytes */{SIZE}", 200)
    whole(upload)


async def test_a_forgotten_session_is_begun_anew(upload: Upload) -> None:
    upload.youtube.faults = {("PUT", 2): Fault(forgets=True)}
    assert await upload.run() == WATCH + "video-0"
    whole(upload)
    assert upload.saved[0].session != upload.saved[-1].session


async def test_a_session_that_is_forgotten_before_the_last_chunk_is_begun_anew(
    upload: Upload,
) -> None:
    upload.youtube.faults = {("PUT", 4): Fault(forgets=True)}
    assert await upload.run() == WATCH + "video-0"
    whole(upload)


async def test_no_second_video_is_made_where_the_first_may_be_there(upload: Upload) -> None:
    upload.youtube.faults = {("PUT", 4): Fault(breaks=True), ("PUT", 5): Fault(forgets=True)}
    with pytest.raises(OutsideRefused, match="see whether the video is there"):
        await upload.run()
    assert len(upload.youtube.videos) == 1


@pytest.mark.parametrize("number", range(6))
async def test_another_attempt_goes_on_from_what_was_saved(upload: Upload, number: int) -> None:
    """Whatever request was the last that the worker lived to see."""
    fault = Fault(status=403, reason="quotaExceeded")
    upload.youtube.faults = {("PUT", number): fault}
    if number < 5:
        with pytest.raises(OutsideRefused):
            await upload.run()
    else:
        await upload.run()
    upload.youtube.log.clear()
    upload.youtube.faults.clear()
    later = upload.again(upload.saved[-1])
    assert await later.run() == WATCH + "video-0"
    assert later.puts[0][0] == f"bytes */{SIZE}"
    assert len(upload.youtube.sessions) == 1
    whole(upload)


async def test_who_has_lost_the_lease_sends_nothing(upload: Upload) -> None:
    upload.lost = True
    with pytest.raises(Conflict):
        await upload.run()
    assert upload.puts == []


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "uploadLimitExceeded"),
        (400, "invalidTitle"),
        (401, "authError"),
        (401, "youtubeSignupRequired"),
        (403, "quotaExceeded"),
        (403, "forbidden"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_what_youtube_refuses_is_told_with_its_reason(
    status: int, reason: str, method: str, upload: Upload
) -> None:
    upload.youtube.faults = {(method, 0): Fault(status=status, reason=reason)}
    with pytest.raises(OutsideRefused) as raised:
        await upload.run()
    assert str(raised.value) == (
        f"YouTube answered with status {status}, {reason}: Because of {reason}, see there."
    )


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_service_in_trouble_is_left_alone_for_a_while(method: str, upload: Upload) -> None:
    upload.youtube.faults = {
        (method, number): Fault(status=503, reason="backendError") for number in range(100)
    }
    with pytest.raises(OutsideFailed, match="status 503, backendError"):
        await upload.run()
    assert 3 < len([each for each in upload.youtube.log if each[0] == method]) < 10


async def test_a_long_wait_is_left_to_the_ledger(upload: Upload) -> None:
    fault = Fault(status=503, reason="backendError", headers={"retry_after": "600"})
    upload.youtube.faults = {("PUT", 1): fault}
    with pytest.raises(OutsideFailed) as raised:
        await upload.run()
    assert raised.value.retry_after == 600
    assert await upload.again(upload.saved[-1]).run() == WATCH + "video-0"


async def test_an_upload_that_never_gets_further_is_given_up(upload: Upload) -> None:
    upload.youtube.faults = {("PUT", number): Fault(keep=0) for number in range(1, 100)}
    with pytest.raises(OutsideFailed, match="takes nothing more"):
        await upload.run()


@pytest.mark.parametrize(
    "location",
    [
        "https://upload.example.org/session",
        "http://upload.googleapis.com/session",
        "https://evilgoogleapis.com/session",
        "file:///etc/passwd",
        "http://user@127.0.0.1/",
    ],
)
async def test_the_token_is_given_to_nobody_else(location: str, upload: Upload) -> None:
    async with Server().running() as server:
        path = f"/upload/youtube/v3/videos?uploadType=resumable&part=snippet%2Cstatus&key={KEY}"
        server.answers[path] = answer(location=location)
        upload.youtube.url = server.url("")
        with pytest.raises(OutsideRefused) as raised:
            await upload.run()
        assert len(server.requests) == 1
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"", OutsideFailed, "does not say which it is"),
        (b'{"id": 5}', OutsideFailed, "does not say which it is"),
        (b'{"id": "a/../b"}', OutsideFailed, "does not say which it is"),
        (b"[" * 50_000, OutsideFailed, "does not say which it is"),
        (
            b'{"id": "a", "status": {"uploadStatus": "rejected", "rejectionReason": "duplicate"}}',
            OutsideRefused,
            "not to keep it: duplicate",
        ),
    ],
)
async def test_what_is_no_video_is_no_success(
    body: bytes, kind: type[OutsideError], words: str, upload: Upload
) -> None:
    async with Server().running() as server:
        upload.delivery.session = server.url("/session")
        server.answers["/session"] = answer(body)
        with pytest.raises(kind, match=words):
            await upload.run()


async def test_an_answer_repeats_no_secret(upload: Upload) -> None:
    async with Server().running() as server:
        upload.delivery.session = server.url("/session")
        said = b'{"error": {"message": "Bad token %s", "errors": [{"reason": "x y"}]}}'
        server.answers["/session"] = answer(said % TOKEN.encode(), "401 Unauthorized")
        with pytest.raises(OutsideRefused) as raised:
            await upload.run()
    assert str(raised.value) == "YouTube answered with status 401."
