"""Keeps the catalogue's states in step with what other services report.

Reports may come twice, late or out of order: each method changes a row only
when the report is news. All of them run inside the caller's transaction.
"""

from collections.abc import Callable
from dataclasses import replace

from services.chassis.database import Tx, now, on_commit
from services.chassis.events import Outbox
from services.videos import store
from services.videos.actions import announcing
from services.videos.model.records import (
    LONGEST_NAME,
    Dispatch,
    News,
    Status,
    StoredFile,
    Upload,
    Video,
    Work,
    advanced,
    informed,
    next_look,
)


class Following:
    """Applies reports of uploads and work. `wake` is called once new work is committed."""

    def __init__(self, outbox: Outbox, wake: Callable[[], None]) -> None:
        self._outbox = outbox
        self._wake = wake

    async def upload_started(self, tx: Tx, video_id: str) -> None:
        """Bytes began to arrive."""
        await self._move_upload(tx, video_id, Status.INITIAL, Status.IN_PROGRESS)

    async def upload_abandoned(self, tx: Tx, video_id: str) -> None:
        """An upload broke off and left nothing; the next one may come."""
        await self._move_upload(tx, video_id, Status.IN_PROGRESS, Status.INITIAL)

    async def media_stored(self, tx: Tx, file: StoredFile) -> None:
        """An original is whole: the upload is DONE, and ingestion is to be submitted."""
        video = await store.video(tx, file.video_id, lock=True)
        if video is None or not video.awaits_upload:
            return
        moment = now()
        video = replace(
            video,
            name=video.name or file.file_name.replace("\0", "")[:LONGEST_NAME],
            upload=Upload(
                Status.DONE, moment, file.file_name, file.file_size, file.file_type, file.light
            ),
            work=Work(Status.IN_PROGRESS, moment, Dispatch.PENDING),
        )
        await self._save(tx, video)
        await announcing.announce(self._outbox, tx, video, announcing.worked(video))
        on_commit(tx, self._wake)

    async def work_heard(self, tx: Tx, news: News) -> None:
        """The ledger said how a video's work is."""
        video = await store.video(tx, news.video_id, lock=True)
        if video is None or video.work_name != news.work_name:
            return
        moment = now()
        work = advanced(video.work, news, moment)
        told = informed(video, news)
        if work is None and told == video:
            await store.look_later(tx, video.id, next_look(video, moment))
            return
        video = replace(told, work=work or video.work)
        await self._save(tx, video)
        await announcing.announce(self._outbox, tx, video, announcing.worked(video))

    async def work_forgotten(self, tx: Tx, video_id: str) -> None:
        """The ledger knows nothing of a video's work: submit it again, unless it had ended."""
        video = await store.video(tx, video_id, lock=True)
        if video is None:
            return
        if video.work.ended:
            await store.look_later(tx, video.id, None)
            return
        await self._save(tx, replace(video, work=replace(video.work, dispatch=Dispatch.PENDING)))
        on_commit(tx, self._wake)

    async def _move_upload(self, tx: Tx, video_id: str, before: Status, after: Status) -> None:
        video = await store.video(tx, video_id, lock=True)
        if video is not None and video.upload is not None and video.upload.status is before:
            await self._save(tx, replace(video, upload=Upload(after, now())))

    async def _save(self, tx: Tx, video: Video) -> None:
        moment = now()
        video = replace(video, updated_at=moment, look_at=next_look(video, moment))
        await store.save_video(tx, video)
