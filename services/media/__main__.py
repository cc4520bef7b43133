"""Runs the media service: `python -m services.media`."""

from functools import partial
from typing import TYPE_CHECKING, Final

import uvloop

from services.chassis.auth import Authenticator, RemoteKeyring
from services.chassis.clients import Clients
from services.chassis.database import Database
from services.chassis.event_metrics import watch_outbox
from services.chassis.events import Consumer, Outbox
from services.chassis.rounds import repeat
from services.chassis.server import Background, Registration, serve
from services.chassis.settings import Settings, load
from services.chassis.storage import Storage
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
from services.media.consumers import GROUP, handlers
from services.media.model.files import TOUCH_EVERY
from services.media.store import tables
from vitascope.media.v1.internal_pb2_grpc import add_StoreServiceServicer_to_server
from vitascope.media.v1.media_pb2_grpc import add_MediaServiceServicer_to_server
from vitascope.media.v1.outputs_pb2_grpc import add_OutputsServiceServicer_to_server
from vitascope.media.v1.resumable_pb2_grpc import add_ResumableUploadServiceServicer_to_server
from vitascope.videos.v1.internal_pb2_grpc import CatalogueServiceStub
from vitascope.work.v1.work_pb2_grpc import LedgerServiceStub

if TYPE_CHECKING:
    from vitascope.work.v1.work_pb2_grpc import LedgerServiceAsyncStub

NAME: Final = "media"

_EXPIRE_SECONDS = 60.0
_PURGE_SECONDS = 30.0
_RECONCILE_SECONDS = 60.0
_SETTLE_SECONDS = 5.0
_SUM_UP_SECONDS = 60.0
_SWEEP_SECONDS = 3600.0


def wire(
    backends: Backends, ledger: "LedgerServiceAsyncStub"
) -> tuple[list[Registration], list[Background]]:
    """Put the service together: its servicers, and what runs beside them."""
    uploads, files, outputs = Uploads(backends), Files(backends), Outputs(backends)
    upkeep, sums, lifetimes = Upkeep(backends), Sums(), Lifetimes(backends)
    endings = ResumableEndings(backends)
    events = Consumer(backends.database, backends.settings, GROUP, handlers(upkeep))
    media = MediaApi(uploads, files, Links(backends, files), backends.settings.public_url)
    resumable = ResumableApi(
        Resumables(backends, sums),
        backends.settings.public_url,
        backends.settings.max_upload_bytes,
    )
    servicers: list[Registration] = [
        (add_MediaServiceServicer_to_server, media),
        (add_ResumableUploadServiceServicer_to_server, resumable),
        (add_StoreServiceServicer_to_server, StoreApi(files, outputs)),
        (
            add_OutputsServiceServicer_to_server,
            OutputsApi(Listing(backends), Deletion(backends), lifetimes),
        ),
    ]
    background: list[Background] = [
        backends.outbox.relay,
        partial(watch_outbox, backends.database),
        events.run,
        partial(repeat, uploads.keep_alive, TOUCH_EVERY.total_seconds()),
        partial(repeat, endings.expire, _EXPIRE_SECONDS),
        partial(repeat, endings.sum_up, _SUM_UP_SECONDS, wake=sums.missing),
        partial(repeat, upkeep.purge, _PURGE_SECONDS, wake=backends.discarded),
        partial(repeat, upkeep.reconcile, _RECONCILE_SECONDS),
        partial(repeat, Settling(backends, ledger).settle, _SETTLE_SECONDS),
        partial(repeat, upkeep.sweep, _SWEEP_SECONDS),
        partial(repeat, lifetimes.sweep, _EXPIRE_SECONDS),
        partial(repeat, upkeep.look_for_lost, _SWEEP_SECONDS),
    ]
    return servicers, background


async def run(settings: Settings) -> None:
    """Serve until the process is told to stop."""
    database = Database(settings.database_for(NAME), tables.metadata)
    clients = Clients(settings, NAME)
    try:
        await database.migrate("services.media.migrations")
        servicers, background = wire(
            Backends(
                settings=settings,
                database=database,
                outbox=Outbox(database, settings, NAME),
                storage=Storage(settings.storage_url),
                catalogue=Catalogue(clients.stub(CatalogueServiceStub)),
            ),
            clients.stub(LedgerServiceStub),
        )
        await serve(
            NAME,
            settings.address_of(NAME),
            servicers,
            Authenticator(RemoteKeyring(clients), settings.internal_key),
            settings=settings,
            background=background,
        )
    finally:
        await clients.close()
        await database.close()


if __name__ == "__main__":
    uvloop.run(run(load()))
