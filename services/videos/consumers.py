"""What the service does on events of media and of the ledger."""

from services.chassis.database import Tx
from services.chassis.events import Event, Handler
from services.videos.actions.following import Following
from services.videos.actions.healing import stored_file
from services.videos.actions.ledger import OWNER, news_of
from vitascope.media.v1 import events_pb2 as media_events_pb2
from vitascope.media.v1 import internal_pb2
from vitascope.work.v1 import events_pb2 as work_events_pb2

MEDIA_TOPIC = "vitascope.media.v1"
WORK_TOPIC = "vitascope.work.v1"


def handlers(following: Following) -> dict[str, Handler]:
    """Return the handler of each topic."""

    async def on_media(tx: Tx, event: Event) -> None:
        message = media_events_pb2.MediaEvent.FromString(event.message)
        happening = message.WhichOneof("happening")
        if happening == "upload_started":
            await following.upload_started(tx, message.video_id)
        elif happening == "upload_abandoned":
            await following.upload_abandoned(tx, message.video_id)
        elif message.media_stored.media.role == internal_pb2.ROLE_ORIGINAL:
            await following.media_stored(tx, stored_file(message.media_stored.media))

    async def on_work(tx: Tx, event: Event) -> None:
        item = work_events_pb2.WorkEvent.FromString(event.message).item
        if item.owner == OWNER:
            await following.work_heard(tx, news_of(item))

    return {MEDIA_TOPIC: on_media, WORK_TOPIC: on_work}
