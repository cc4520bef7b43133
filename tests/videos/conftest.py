"""The videos service in this process, with real interceptors, SQLite, and doubles of its peers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.message import Message

from services.chassis.clients import Clients
from services.chassis.database import Database, Tx, now
from services.chassis.errors import VitascopeError, from_rpc
from services.chassis.events import Event, Outbox
from services.chassis.server import Registration
from services.chassis.settings import Settings
from services.videos import store
from services.videos.actions.catalogue import Catalogue
from services.videos.actions.dispatching import Dispatcher
from services.videos.actions.following import Following
from services.videos.actions.healing import Healing
from services.videos.actions.ledger import Ledger
from services.videos.actions.processing import Processing
from services.videos.api.addresses import Addresses
from services.videos.api.servicers import CatalogueServicer, VideosServicer
from services.videos.consumers import MEDIA_TOPIC, WORK_TOPIC, handlers
from tests.kit.identities import Identities, Metadata, make_settings, running, service
from tests.videos.doubles import METADATA, FakeLedger, FakeStore, stored
from vitascope.media.v1 import events_pb2 as media_events_pb2
from vitascope.media.v1 import internal_pb2_grpc as media_pb2_grpc
from vitascope.media.v1 import operations_pb2
from vitascope.videos.v1 import events_pb2, internal_pb2_grpc, videos_pb2, videos_pb2_grpc
from vitascope.videos.v1 import internal_pb2 as videos_internal_pb2
from vitascope.work.v1 import events_pb2 as work_events_pb2
from vitascope.work.v1 import work_pb2, work_pb2_grpc

OURS, THEIRS = "team-a", "team-b"
"""Two teams of the same user: what belongs to one is unknown to the other."""
PUBLIC_URL = "https://api.example.com"


class House:
    """The service, its doubles, and short words for what tests do with them."""

    def __init__(
        self, settings: Settings, callers: Identities, ledger: FakeLedger, files: FakeStore
    ) -> None:
        self.ledger, self.files = ledger, files
        self.callers = callers
        self.db = Database(settings.database_for("videos"), store.metadata)
        self.clients = Clients(settings, "videos")
        outbox = Outbox(self.db, settings, source="videos")
        remote = Ledger(self.clients)
        self.dispatcher = Dispatcher(self.db, remote)
        following = Following(outbox, self.dispatcher.wake)
        self.healing = Healing(self.db, self.clients, remote, following)
        self._handlers = handlers(following)
        self.catalogue = Catalogue(self.db, outbox, remote)
        processing = Processing(self.db, outbox, self.dispatcher)
        self.videos = VideosServicer(self.catalogue, processing, Addresses(settings.public_url))
        self.api: videos_pb2_grpc.VideosServiceAsyncStub
        self.internal: internal_pb2_grpc.CatalogueServiceAsyncStub

    def registrations(self) -> list[Registration]:
        return [
            (videos_pb2_grpc.add_VideosServiceServicer_to_server, self.videos),
            (
                internal_pb2_grpc.add_CatalogueServiceServicer_to_server,
                CatalogueServicer(self.catalogue),
            ),
        ]

    async def ask(self, name: str, request: Message, team: str = OURS) -> Any:
        """Call an RPC of the public service, as a user for a team."""
        return await getattr(self.api, name)(request, metadata=self.callers.bearer(team))

    async def refused(self, name: str, request: Message, team: str = OURS) -> VitascopeError:
        """Call an RPC that must fail, and return the error that it stands for."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.ask(name, request, team)
        return from_rpc(caught.value)

    async def look_up(self, video_id: str, caller: Metadata | None = None) -> Any:
        """Call LookUpVideo as the media service, or as somebody else."""
        request = videos_internal_pb2.LookUpVideoRequest(video_id=video_id)
        return await self.internal.LookUpVideo(request, metadata=caller or service("media"))

    async def feed(self, topic: str, message: Message) -> None:
        """Handle one event as the consumer would."""
        event = Event(str(uuid4()), "", topic, "", message.SerializeToString(), now())
        async with self.db.transaction() as tx:
            await self._handlers[topic](tx, event)

    async def feed_media(self, video_id: str, **happening: Message) -> None:
        event: dict[str, Any] = {"video_id": video_id, **happening}
        await self.feed(MEDIA_TOPIC, media_events_pb2.MediaEvent(**event))

    async def feed_work(self, name: str, state: int, **facts: Any) -> None:
        item = work_pb2.Item(owner="videos", request_id=name, **facts)
        item.state = state  # type: ignore[assignment]
        await self.feed(WORK_TOPIC, work_events_pb2.WorkEvent(item=item))

    async def events(self) -> list[events_pb2.VideoEvent]:
        """What waits in the outbox, oldest first."""
        outbox = store.metadata.tables["outbox"]
        async with self.db.reading() as tx:
            rows = (await tx.execute(outbox.select().order_by(outbox.c.id))).all()
        assert all(row.topic == "vitascope.videos.v1" for row in rows)
        events = [events_pb2.VideoEvent.FromString(row.value) for row in rows]
        assert [event.video_id for event in events] == [row.key for row in rows]
        return events

    async def write(self, change: Callable[[Tx], Awaitable[None]]) -> None:
        async with self.db.transaction() as tx:
            await change(tx)

    async def create(
        self,
        team: str = OURS,
        *,
        name: str | None = None,
        project_id: str | None = None,
    ) -> str:
        """Make a video and return its id."""
        request = videos_pb2.CreateVideoRequest(name=name, project_id=project_id)
        answer = await self.ask("CreateVideo", request, team)
        return str(answer.video_id)

    async def upload(self, video_id: str, file_name: str = "film.mp4", **facts: Any) -> None:
        """Report an original as stored."""
        media = stored(video_id, file_name, **facts)
        await self.feed_media(video_id, media_stored=media_events_pb2.MediaStored(media=media))

    async def ingested(self, *, name: str | None = None, project_id: str | None = None) -> str:
        """Make a video whose ingestion is DONE and return its id."""
        video_id = await self.create(name=name, project_id=project_id)
        await self.upload(video_id)
        await self.dispatcher.submit_pending()
        result = operations_pb2.VideoIngestResult(metadata=METADATA)
        await self.feed_work(
            f"ingest:{video_id}", work_pb2.STATE_SUCCESS, result=result.SerializeToString()
        )
        return video_id

    async def processed(self, source: str) -> str:
        """Have a video made of an original, as it is, and return its id."""
        request = videos_pb2.ProcessVideoRequest(video_id=source)
        return str((await self.ask("ProcessVideo", request)).processed_video_id)

    async def video(self, video_id: str) -> Any:
        """Read a video by the API."""
        return (await self.ask("GetVideo", videos_pb2.GetVideoRequest(video_id=video_id))).video


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database: SQLite, or the engine that a test names."""
    return str(request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url"))


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    callers, ledger, files = Identities(), FakeLedger(), FakeStore()
    tasks: Registration = (work_pb2_grpc.add_LedgerServiceServicer_to_server, ledger)
    media: Registration = (media_pb2_grpc.add_StoreServiceServicer_to_server, files)
    async with AsyncExitStack() as stack:

        async def served(*servicers: Registration) -> tuple[grpc.aio.Channel, str]:
            served = running(*servicers, authenticator=callers.authenticator())
            return await stack.enter_async_context(served)

        _, tasks_address = await served(tasks)
        _, media_address = await served(media)
        settings = make_settings(
            database_url=database_url,
            public_url=PUBLIC_URL,
            tasks_address=tasks_address,
            media_address=media_address,
        )
        house = House(settings, callers, ledger, files)
        stack.push_async_callback(house.db.close)
        stack.push_async_callback(house.clients.close)
        await house.db.migrate("services.videos.migrations")
        channel, _ = await served(*house.registrations())
        house.api = videos_pb2_grpc.VideosServiceStub(channel)
        house.internal = internal_pb2_grpc.CatalogueServiceStub(channel)
        yield house
