"""Bringing an attempt's sources onto this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from services.chassis.errors import NotFound
from services.chassis.settings import Settings
from services.chassis.storage import Storage
from services.media.fetch import Policy, fetch
from services.media.operations import BadMedia, Source, SourceFile
from vitascope.media.v1.internal_pb2 import ROLE_ORIGINAL, GetMediaRequest

if TYPE_CHECKING:
    from vitascope.media.v1.internal_pb2_grpc import StoreServiceAsyncStub

_SECONDS_TO_FETCH = 3600.0


class Sources:
    """Reads addresses and videos' originals."""

    def __init__(
        self, settings: Settings, storage: Storage, store: "StoreServiceAsyncStub"
    ) -> None:
        self._policy = Policy(
            max_bytes=settings.max_source_bytes,
            max_seconds=_SECONDS_TO_FETCH,
            allow_loopback=settings.allow_loopback_sources,
        )
        self._storage = storage
        self._store = store

    async def bring(self, sources: list[Source], folder: Path) -> Mapping[str, SourceFile]:
        """Have every source as a local file, in `folder` where it is a copy; by source name.

        Raises FetchError, BadMedia for a video without an original, and VitascopeError.
        """
        return {
            source.name: await self._bring(source, folder / str(number))
            for number, source in enumerate(sources)
        }

    async def _bring(self, source: Source, target: Path) -> SourceFile:
        if source.url is not None:
            fetched = await fetch(source.url, target, policy=self._policy)
            return SourceFile(target, fetched.file_name, fetched.content_type)
        request = GetMediaRequest(video_id=source.video_id or "", role=ROLE_ORIGINAL)
        try:
            media = (await self._store.GetMedia(request)).media
        except NotFound as error:
            raise BadMedia("the video has no uploaded file") from error
        path = self._storage.local_path(media.storage_key)
        if path is None:
            await self._storage.fetch(media.storage_key, target)
            path = target
        return SourceFile(path, media.file_name, media.content_type)
