"""Files on their way outside while their worker is killed: each arrives, and once."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from services.chassis.clients import Clients
from services.chassis.settings import Settings
from tests.kit.servers import Server, all_started, free_port, listens
from tests.kit.waiting import wait_for_async, wait_for_awaited
from tests.kit.webserver import Server as Web
from tests.kit.webserver import answer
from tests.kit.youtube import KEY, TOKEN, Fault, Youtube, youtube_stand_in
from tests.media.kinds import WORKER
from vitascope.media.v1.internal_pb2 import Destination, S3SignedDestination, YoutubeDestination
from vitascope.tasks.v2.specs_pb2 import ImageThumbResult, ImageThumbSpec, VideoCreateResult
from vitascope.work.v1 import work_pb2
from vitascope.work.v1.work_pb2_grpc import LedgerServiceStub

FILM = os.urandom(900_000)
SIGNED = "/bucket/made?X-Amz-Signature=a-secret-signature"
SECONDS = 60.0


@dataclass
class House:
    """A ledger, a media service and a worker as processes, and who asks them."""

    worker: Server
    owner: Clients

    async def submit(self, kind: str, source: str, place: Destination) -> str:
        """Have something made and sent; the item's id."""
        submission = work_pb2.Submission(
            owner="videos",
            account_id="team",
            request_id=uuid4().hex,
            kind=kind,
            spec=ImageThumbSpec(url=source).SerializeToString(),
            lane=work_pb2.LANE_SHORT,
            destination=place,
        )
        request = work_pb2.SubmitRequest(submissions=[submission])
        return (await self.owner.stub(LedgerServiceStub).Submit(request)).items[0].item_id

    async def look(self, item_id: str) -> work_pb2.Item:
        """Return an item as it is."""
        request = work_pb2.FindItemsRequest(item_ids=[item_id])
        return (await self.owner.stub(LedgerServiceStub).FindItems(request)).items[0]

    async def end(self, item_id: str) -> work_pb2.Item:
        """Wait for an item to end."""

        async def ended() -> work_pb2.Item | None:
            item = await self.look(item_id)
            return item if item.HasField("completed_at") else None

        item = await wait_for_awaited(ended, seconds=SECONDS, what="the item to end")
        assert item is not None
        return item

    def strike(self) -> None:
        """Kill -9 the worker, and start it again."""
        self.worker.kill()
        self.worker.start()


@dataclass
class Programs:
    """What runs for all tests, and with which settings."""

    settings: Settings
    worker: Server
    youtube: Youtube


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    folder = tmp_path_factory.mktemp("house")
    with youtube_stand_in() as youtube:
        settings = _settings(folder, youtube)
        *services, worker = _servers(settings, folder)
        with all_started([*services, worker]):
            yield Programs(settings, worker, youtube)


@pytest.fixture
def youtube(programs: Programs) -> Iterator[Youtube]:
    """Nothing was ever uploaded to it."""
    programs.youtube.start_over()
    yield programs.youtube
    programs.youtube.open.set()


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with Web().running() as running:
        running.answers["/source"] = answer(FILM)
        yield running


@pytest.fixture
async def house(programs: Programs) -> AsyncIterator[House]:
    async with asking(programs.settings) as owner:
        yield House(programs.worker, owner)


@asynccontextmanager
async def asking(settings: Settings) -> AsyncIterator[Clients]:
    clients = Clients(settings, "videos")
    try:
        yield clients
    finally:
        await clients.close()


def _settings(folder: Path, youtube: Youtube) -> Settings:
    return Settings.model_validate(
        {
            "database_url": f"sqlite:///{folder}/{{service}}.sqlite",
            "internal_key": "k" * 32,
            "encryption_key": "k" * 32,
            "storage_url": f"file://{folder}/storage",
            # Nobody takes the events; nobody else is needed.
            "kafka_servers": f"127.0.0.1:{free_port()}",
            "tasks_address": f"127.0.0.1:{free_port()}",
            "media_address": f"127.0.0.1:{free_port()}",
            "accounts_address": f"127.0.0.1:{free_port()}",
            "videos_address": f"127.0.0.1:{free_port()}",
            "scratch_dir": folder / "scratch",
            "allow_loopback_sources": True,
            "youtube_url": youtube.url,
            # Whoever comes back by its name is given at once what it was given before.
            "worker_id": "one",
        }
    )


def _servers(settings: Settings, folder: Path) -> Iterator[Server]:
    environment = dict(os.environ) | {
        f"VITASCOPE_{name.upper()}": str(getattr(settings, name))
        for name in settings.model_fields_set
    }
    environment |= {"VITASCOPE_INTERNAL_KEY": "k" * 32, "VITASCOPE_ENCRYPTION_KEY": "k" * 32}
    for service, address in (("tasks", settings.tasks_address), ("media", settings.media_address)):
        port = int(address.rpartition(":")[2])
        program = (sys.executable, "-m", f"services.{service}")
        log = folder / f"{service}.log"
        yield Server(program, log, partial(listens, port), environment=environment)
    yield Server(WORKER, folder / "worker.log", lambda: True, environment=environment)


@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        # Some of it has arrived; all of it has, and nobody heard so.
        (Fault(keep=1 << 18), 308),
        (Fault(), 200),
    ],
)
async def test_an_upload_goes_on_and_makes_one_video(
    fault: Fault, asked: int, house: House, youtube: Youtube, web: Web
) -> None:
    youtube.faults = {("PUT", 0): fault}
    youtube.open.clear()
    place = YoutubeDestination(access_token=TOKEN, developer_key=KEY, title="A film")
    item_id = await house.submit("test.film", web.url("/source"), Destination(youtube=place))
    await wait_for_async(youtube.is_held, seconds=SECONDS, what="the upload to be under way")
    house.strike()
    youtube.open.set()
    item = await house.end(item_id)
    assert item.state == work_pb2.STATE_SUCCESS, item.error_message
    assert item.attempt == 2
    [video] = youtube.videos.values()
    assert bytes(video.data) == FILM
    result = VideoCreateResult.FromString(item.result)
    assert result.export == "https://www.youtube.com/watch?v=video-0"
    # Neither was it made twice.
    assert len([head for head in web.requests if head.startswith("GET /source")]) == 1
    assert len(youtube.sessions) == 1
    assert (f"bytes */{len(FILM)}", asked) in [each[1:] for each in youtube.log]


async def test_a_signed_address_is_sent_to_again_and_nothing_made_again(
    house: House, web: Web
) -> None:
    web.answers[SIGNED] = answer()
    item_id = await house.submit(
        "test.copy",
        web.url("/source"),
        Destination(s3_signed=S3SignedDestination(url=web.url(SIGNED))),
    )
    await wait_for_async(lambda: web.requests, seconds=SECONDS, what="the source to be read")
    web.open.clear()
    await wait_for_async(lambda: web.bodies, seconds=SECONDS, what="the file to arrive")
    house.strike()
    web.open.set()
    item = await house.end(item_id)
    assert (item.state, item.attempt) == (work_pb2.STATE_SUCCESS, 2), item.error_message
    assert ImageThumbResult.FromString(item.result).output == web.url("/bucket/made")
    assert web.bodies == [FILM, FILM]
    assert len([head for head in web.requests if head.startswith("GET /source")]) == 1
