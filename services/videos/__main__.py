"""Starts the videos service: `python -m services.videos`."""

from functools import partial
from typing import Final

import uvloop

from services.chassis.auth import Authenticator, RemoteKeyring
from services.chassis.clients import Clients
from services.chassis.database import Database
from services.chassis.event_metrics import watch_outbox
from services.chassis.events import Consumer, Outbox
from services.chassis.server import serve
from services.chassis.settings import Settings, load
from services.videos import store
from services.videos.actions.catalogue import Catalogue
from services.videos.actions.dispatching import Dispatcher
from services.videos.actions.following import Following
from services.videos.actions.healing import Healing
from services.videos.actions.ledger import Ledger
from services.videos.actions.processing import Processing
from services.videos.api.addresses import Addresses
from services.videos.api.servicers import CatalogueServicer, VideosServicer
from services.videos.consumers import handlers
from vitascope.videos.v1.internal_pb2_grpc import add_CatalogueServiceServicer_to_server
from vitascope.videos.v1.videos_pb2_grpc import add_VideosServiceServicer_to_server

NAME: Final = "videos"


async def run(settings: Settings) -> None:
    """Wire the service up and serve until it is told to stop."""
    db = Database(settings.database_for(NAME), store.metadata)
    await db.migrate("services.videos.migrations")
    clients = Clients(settings, NAME)
    outbox = Outbox(db, settings, source=NAME)
    ledger = Ledger(clients)
    dispatcher = Dispatcher(db, ledger)
    following = Following(outbox, dispatcher.wake)
    catalogue = Catalogue(db, outbox, ledger)
    videos = VideosServicer(
        catalogue, Processing(db, outbox, dispatcher), Addresses(settings.public_url)
    )
    consumer = Consumer(db, settings, group=NAME, handlers=handlers(following))
    healing = Healing(db, clients, ledger, following)
    try:
        await serve(
            NAME,
            settings.address_of(NAME),
            [
                (add_VideosServiceServicer_to_server, videos),
                (add_CatalogueServiceServicer_to_server, CatalogueServicer(catalogue)),
            ],
            Authenticator(RemoteKeyring(clients), settings.internal_key),
            settings=settings,
            background=[
                outbox.relay,
                partial(watch_outbox, db),
                consumer.run,
                dispatcher.run,
                healing.run,
            ],
        )
    finally:
        await clients.close()
        await db.close()


if __name__ == "__main__":
    uvloop.run(run(load()))
