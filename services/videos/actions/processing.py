"""Has a new video made of an original."""

from uuid import uuid4

from services.chassis.database import Database, now, on_commit
from services.chassis.events import Outbox
from services.videos import store
from services.videos.actions import announcing
from services.videos.actions.catalogue import own_video
from services.videos.actions.dispatching import Dispatcher
from services.videos.model.records import (
    LONGEST_NAME,
    PATIENCE,
    Caller,
    Dispatch,
    NotAnOriginal,
    Status,
    Video,
    VideoNotIngested,
    Work,
)
from services.videos.model.targets import Target, decide
from services.videos.model.wishes import Source, Wish


class Processing:
    """The use case of `process-video`."""

    def __init__(self, db: Database, outbox: Outbox, dispatcher: Dispatcher) -> None:
        self._db = db
        self._outbox = outbox
        self._dispatcher = dispatcher

    async def process(self, caller: Caller, video_id: str, wish: Wish) -> Video:
        """Make the video that the processing will fill, and have the work submitted.

        Raises VideoNotFound; NotAnOriginal for a source that was processed
        itself; VideoNotIngested; Invalid for what cannot be made.
        """
        async with self._db.transaction() as tx:
            source = await own_video(tx, caller, video_id, lock=True)
            if source.upload is None:
                raise NotAnOriginal("Only originals can be processed; this video was processed.")
            if source.work.status is not Status.DONE or source.metadata is None:
                raise VideoNotIngested(
                    "The video cannot be processed before its ingestion is DONE."
                )
            facts = Source.of(source.upload.file_name or "", source.metadata)
            child = _child(source, caller, decide(wish, facts))
            await store.add_video(tx, child)
            await announcing.announce(self._outbox, tx, child, announcing.created())
            on_commit(tx, self._dispatcher.wake)
        return child


def _child(source: Video, caller: Caller, target: Target) -> Video:
    moment = now()
    made = f" ({target.width}x{target.height} {target.codec})"
    return Video(
        id=str(uuid4()),
        name=(source.name or "")[: LONGEST_NAME - len(made)] + made,
        project_id=source.project_id,
        user_id=caller.user_id,
        team_id=source.team_id,
        parent_id=source.id,
        upload=None,
        work=Work(Status.IN_PROGRESS, moment, Dispatch.PENDING),
        target=target,
        created_at=moment,
        updated_at=moment,
        look_at=moment + PATIENCE,
    )
