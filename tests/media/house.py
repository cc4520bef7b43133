"""The media service in this process, whole but for Kafka and the videos service."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.api.httpbody_pb2 import HttpBody
from pydantic import SecretStr
from sqlalchemy import select

from services.chassis.auth import Authenticator
from services.chassis.clients import CHANNEL_OPTIONS, Clients, send_serialized
from services.chassis.database import Database
from services.chassis.errors import NotFound, from_rpc
from services.chassis.events import Outbox
from services.chassis.keyring import AccountKey
from services.chassis.lending import LentFile
from services.chassis.limits import UNLIMITED, Limits
from services.chassis.rounds import repeat
from services.chassis.server import Registration, create_server
from services.chassis.settings import Settings
from services.chassis.storage import Storage
from services.chassis.tokens import SigningKey, UserClaims, sign_user_token
from services.media.actions.backends import Backends, Catalogue
from services.media.actions.deletion import Deletion
from services.media.actions.files import Files
from services.media.actions.lifetimes import Lifetimes
from services.media.actions.links import Links
from services.media.actions.listing import Listing
from services.media.actions.outputs import Outputs
from services.media.actions.resumable_endings import ResumableEndings
from services.media.actions.resumable_request import Sums
from services.media.actions.resumables import Resumables
from services.media.actions.settling import Settling
from services.media.actions.upkeep import Upkeep
from services.media.actions.uploads import Uploads
from services.media.api.media import MediaApi
from services.media.api.outputs import OutputsApi
from services.media.api.resumable import ResumableApi
from services.media.api.store import StoreApi
from services.media.store import tables, uploading
from tests.kit.waiting import wait_for_awaited
from vitascope.media.v1 import (
    internal_pb2_grpc,
    media_pb2,
    media_pb2_grpc,
    outputs_pb2,
    outputs_pb2_grpc,
    resumable_pb2_grpc,
)
from vitascope.media.v1.events_pb2 import MediaEvent
from vitascope.videos.v1 import internal_pb2 as videos_pb2
from vitascope.videos.v1 import internal_pb2_grpc as videos_pb2_grpc
from vitascope.work.v1 import work_pb2, work_pb2_grpc

TEAM = "team-1"
OTHER_TEAM = "team-2"
_SECRET = "secret of "


@cache
def _key() -> tuple[str, str]:
    """A private key and its public key, PEM."""
    private = Ed25519PrivateKey.generate()
    return (
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    )


def bearer(team: str = TEAM) -> tuple[tuple[str, str], ...]:
    """Call metadata of a user who acts for a team."""
    token = sign_user_token(_key()[0], "key", UserClaims("user", team), time.time())
    return (("authorization", f"Bearer {token}"),)


def secret(team: str = TEAM) -> str:
    """A team's secret key."""
    return f"{_SECRET}{team}"


class OneUser:
    """A keyring with one user, who is in both teams; the first has the `limits`."""

    def __init__(self, limits: Limits = UNLIMITED) -> None:
        self._limits = limits

    async def signing_key(self, key_id: str) -> SigningKey | None:
        limits = {TEAM: self._limits}
        return SigningKey(_key()[1], "user", (TEAM, OTHER_TEAM), limits=limits)

    async def account_of_secret(self, secret: str) -> AccountKey | None:
        team = secret.removeprefix(_SECRET)
        return AccountKey(team, "user") if team in (TEAM, OTHER_TEAM) else None

    async def account_of_api_key(self, api_key: str, referrer: str) -> AccountKey | None:
        return None


class FakeCatalogue(videos_pb2_grpc.CatalogueServiceServicer):
    """The videos service, as far as the media service knows it."""

    def __init__(self) -> None:
        self.videos: dict[str, videos_pb2.LookUpVideoResponse] = {}

    def add(self, *, team_id: str = TEAM, **fields: str) -> str:
        video_id = str(uuid4())
        self.videos[video_id] = videos_pb2.LookUpVideoResponse(
            video_id=video_id, team_id=team_id, **fields
        )
        return video_id

    async def LookUpVideo(
        self, request: videos_pb2.LookUpVideoRequest, context: object
    ) -> videos_pb2.LookUpVideoResponse:
        if request.video_id not in self.videos:
            raise NotFound("There is no such video.")
        return self.videos[request.video_id]


class FakeLedger(work_pb2_grpc.LedgerServiceServicer):
    """The ledger, as far as the media service knows it: items by id."""

    def __init__(self) -> None:
        self.states: dict[str, work_pb2.State.ValueType] = {}

    async def FindItems(
        self, request: work_pb2.FindItemsRequest, context: object
    ) -> work_pb2.FindItemsResponse:
        return work_pb2.FindItemsResponse(
            items=[
                work_pb2.Item(item_id=item_id, state=self.states[item_id])
                for item_id in request.item_ids
                if item_id in self.states
            ]
        )

    async def Submit(self, request: object, context: object) -> work_pb2.SubmitResponse:
        raise NotImplementedError

    async def GetItems(self, request: object, context: object) -> work_pb2.GetItemsResponse:
        raise NotImplementedError

    async def CancelItems(self, request: object, context: object) -> work_pb2.CancelItemsResponse:
        raise NotImplementedError

    async def SaveCheckpoint(
        self, request: object, context: object
    ) -> work_pb2.SaveCheckpointResponse:
        raise NotImplementedError

    def Work(self, request_iterator: object, context: object) -> Any:
        raise NotImplementedError


@dataclass
class Answer:
    """What a download sent: HTTP status and headers from the metadata, and the body.

    `lent` is where the gateway may read the body itself.
    """

    status: int
    headers: dict[str, str]
    content_type: str = ""
    body: bytes = b""
    lent: LentFile | None = None


@dataclass
class Served:
    """A server that runs, and where."""

    server: grpc.aio.Server
    address: str


@dataclass
class House:
    """The running service and hands to touch it with; `address` is where it listens."""

    backends: Backends
    catalogue: FakeCatalogue
    videos: Served
    folder: Path
    channel: grpc.aio.Channel
    media: Any
    internal: Any
    uploads: Uploads
    upkeep: Upkeep
    ledger: FakeLedger
    settling: Settling
    address: str
    endings: ResumableEndings
    lifetimes: Lifetimes
    usages: Any

    async def upload(
        self,
        video_id: str,
        pieces: Iterable[bytes],
        *,
        team: str = TEAM,
        whole: bool = True,
        file_name: str = "clip.mp4",
        content_type: str = "video/mp4",
        light: bool = False,
    ) -> Any:
        """Upload as the gateway does. Raises the service's VitascopeError."""
        method = self.media.UploadLightMedia if light else self.media.UploadMedia
        make = media_pb2.UploadLightMediaRequest if light else media_pb2.UploadMediaRequest

        def requests() -> Iterator[Any]:
            file = HttpBody(content_type=content_type)
            yield make(video_id=video_id, file_name=file_name, file=file)
            for piece in pieces:
                yield make(file=HttpBody(data=piece))
            if whole:
                yield make()

        call = method(metadata=bearer(team))
        await call.wait_for_connection()
        # What the service ends the call with comes with its answer.
        with suppress(grpc.aio.InternalError):
            for request in requests():
                await send_serialized(call, request.SerializeToString())
            await call.done_writing()
        return await named(call)

    async def download(self, video_id: str, *, team: str = TEAM, **headers: str) -> Answer:
        """Download a video's original."""
        request = media_pb2.DownloadOriginalRequest(video_id=video_id, **headers)
        return await answer_of(self.media.DownloadOriginal(request, metadata=bearer(team)))

    async def usage(self, account_id: str) -> Any:
        """What an account stores, as another process of the suite asks."""
        return await self.usages.GetUsage(outputs_pb2.GetUsageRequest(account_id=account_id))

    async def call(self, method: str, request: object) -> Any:
        """Call StoreService as another process of the suite. Raises VitascopeError."""
        return await getattr(self.internal, method)(request)

    async def events(self) -> list[MediaEvent]:
        """Every event that waits to be published, in order."""
        async with self.backends.database.reading() as tx:
            rows = await tx.execute(select(tables.outbox).order_by(tables.outbox.c.id))
            return [MediaEvent.FromString(row.value) for row in rows]

    async def happenings(self) -> list[str | None]:
        """The names of what happened, in order."""
        return [event.WhichOneof("happening") for event in await self.events()]

    async def rows(self) -> int:
        """How many files and uploads the service knows."""
        async with self.backends.database.reading() as tx:
            every = (tables.media, tables.outputs, tables.discarded)
            return sum([len((await tx.execute(select(table))).all()) for table in every])

    async def is_empty(self) -> None:
        """Wait until no row and no object is left."""

        async def empty() -> bool:
            return not await self.rows() and not self.objects()

        await until(empty)

    async def has_left(self, count: int) -> None:
        """Wait until so many objects are left in storage."""

        async def as_many() -> bool:
            return len(self.objects()) == count

        await until(as_many)

    async def age_rows(self, by: timedelta) -> None:
        """Make every file and upload look untouched for that long."""
        async with self.backends.database.transaction() as tx:
            for key, touched_at in await tx.execute(
                select(tables.media.c.storage_key, tables.media.c.touched_at)
            ):
                await uploading.touch_uploads(tx, [key], touched_at - by)

    def objects(self) -> list[str]:
        """Every file in the folder storage, temporary ones too."""
        # `os.walk` does not mind folders that go while it looks.
        found = [Path(folder, name) for folder, _, names in os.walk(self.folder) for name in names]
        return sorted(str(path.relative_to(self.folder)) for path in found)


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait until `look` says yes."""
    await wait_for_awaited(look, seconds=60, what="what a test looks for")


async def answer_of(call: Any) -> Answer:
    """Everything that a download sends. Raises the service's VitascopeError."""
    try:
        metadata = dict(await call.initial_metadata())
        bodies = [body async for body in call]
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error) from error
    prefix = "http-header-"
    return Answer(
        status=int(metadata["http-status"]),
        headers={
            key.removeprefix(prefix): value
            for key, value in metadata.items()
            if key.startswith(prefix)
        },
        content_type=bodies[0].content_type if bodies else "",
        body=b"".join(body.data for body in bodies),
        lent=LentFile.parse(str(metadata["http-file"])) if "http-file" in metadata else None,
    )


async def named(call: Any) -> Any:
    """The answer of a unary call. Raises the service's VitascopeError."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error) from error


def _settings(folder: Path, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "internal_key": SecretStr("i" * 32),
        "encryption_key": SecretStr("e" * 32),
        "database_url": f"sqlite:///{folder}/{{service}}.sqlite",
        "storage_url": f"file://{folder}/storage",
        "public_url": "https://media.example",
    }
    return Settings.model_validate(values | changes)


@asynccontextmanager
async def _serving(
    servicers: list[Registration], settings: Settings, limits: Limits = UNLIMITED
) -> AsyncIterator[Served]:
    server = create_server(servicers, Authenticator(OneUser(limits), settings.internal_key))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield Served(server, f"127.0.0.1:{port}")
    finally:
        await server.stop(2)


@asynccontextmanager
async def open_house(
    folder: Path,
    *,
    limits: Limits = UNLIMITED,
    catalogue: FakeCatalogue | None = None,
    **changes: Any,
) -> AsyncIterator[House]:
    """The service on a folder; `changes` are settings. Discarded objects are purged as in life.

    `limits` are those of the first team; a `catalogue` of another house knows its videos.
    """
    catalogue, ledger = catalogue or FakeCatalogue(), FakeLedger()
    register = videos_pb2_grpc.add_CatalogueServiceServicer_to_server
    settings = _settings(folder, **changes)
    (folder / "storage").mkdir(exist_ok=True)
    database = Database(settings.database_for("media"), tables.metadata)
    await database.migrate("services.media.migrations")
    others_servicers: list[Registration] = [
        (register, catalogue),
        (work_pb2_grpc.add_LedgerServiceServicer_to_server, ledger),
    ]
    async with _serving(others_servicers, settings) as videos:
        addresses = {"videos_address": videos.address, "tasks_address": videos.address}
        clients = Clients(settings.model_copy(update=addresses), "media")
        backends = Backends(
            settings=settings,
            database=database,
            outbox=Outbox(database, settings, "media"),
            storage=Storage(settings.storage_url),
            catalogue=Catalogue(clients.stub(videos_pb2_grpc.CatalogueServiceStub)),
        )
        uploads, files, upkeep = Uploads(backends), Files(backends), Upkeep(backends)
        lifetimes = Lifetimes(backends)
        media = MediaApi(uploads, files, Links(backends, files), settings.public_url)
        sums = Sums()
        resumable = ResumableApi(
            Resumables(backends, sums), settings.public_url, settings.max_upload_bytes
        )
        servicers: list[Registration] = [
            (resumable_pb2_grpc.add_ResumableUploadServiceServicer_to_server, resumable),
            (media_pb2_grpc.add_MediaServiceServicer_to_server, media),
            (
                internal_pb2_grpc.add_StoreServiceServicer_to_server,
                StoreApi(files, Outputs(backends)),
            ),
            (
                outputs_pb2_grpc.add_OutputsServiceServicer_to_server,
                OutputsApi(Listing(backends), Deletion(backends), lifetimes),
            ),
        ]
        async with (
            _serving(servicers, settings, limits) as served,
            grpc.aio.insecure_channel(served.address, CHANNEL_OPTIONS) as channel,
        ):
            others = Clients(
                settings.model_copy(update={"media_address": served.address}), "worker"
            )
            endings = ResumableEndings(backends)
            rounds = [
                asyncio.create_task(repeat(upkeep.purge, 60, wake=backends.discarded)),
                asyncio.create_task(repeat(endings.sum_up, 60, wake=sums.missing)),
            ]
            yield House(
                backends,
                catalogue,
                videos,
                folder / "storage",
                channel,
                media_pb2_grpc.MediaServiceStub(channel),
                others.stub(internal_pb2_grpc.StoreServiceStub),
                uploads,
                upkeep,
                ledger,
                Settling(backends, clients.stub(work_pb2_grpc.LedgerServiceStub)),
                served.address,
                endings,
                lifetimes,
                others.stub(outputs_pb2_grpc.OutputsServiceStub),
            )
            for each in rounds:
                each.cancel()
            await asyncio.wait(rounds)
            await others.close()
        await clients.close()
    await database.close()
