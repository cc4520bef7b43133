"""Events that the media service listens to."""

from services.chassis.database import Tx
from services.chassis.events import Event, Handler
from services.media.actions.upkeep import Upkeep
from vitascope.videos.v1.events_pb2 import VideoEvent

GROUP = "media"


def handlers(upkeep: Upkeep) -> dict[str, Handler]:
    """What to do with the events of each topic."""

    async def on_video(tx: Tx, event: Event) -> None:
        """Drop what belongs to a deleted video."""
        happening = VideoEvent.FromString(event.message)
        if happening.HasField("deleted"):
            await upkeep.forget_video(tx, happening.video_id)

    return {"vitascope.videos.v1": on_video}
