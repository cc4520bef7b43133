"""Bringing an attempt's sources onto this machine."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.chassis.errors import NotFound
from services.chassis.outside import OutsideError, OutsideFailed, OutsideRefused, Policy
from services.chassis.settings import Settings
from services.chassis.storage import Storage
from services.media.fetch import SourceCache
from services.media.operations import BadMedia, Source, SourceFile, operation, part_file
from services.media.worker.originals import Originals
from services.media.worker.outputs import output_fields
from vitascope.media.v1.internal_pb2 import ROLE_ORIGINAL, GetMediaRequest
from vitascope.work.v1.work_pb2 import PartResult

if TYPE_CHECKING:
    from vitascope.media.v1.internal_pb2_grpc import StoreServiceAsyncStub

_SECONDS_TO_FETCH = 3600.0
_CACHE_BYTES = 4 << 30
# Of one attempt; they may all be of one server, which browsers ask for six at a time.
_AT_ONCE = 4
# Where workers put what attempts made: item, attempt and name.
_WORK_KEY = re.compile(r"work(/[A-Za-z0-9][A-Za-z0-9._-]*){3}")


def made_by_parts(parts: Sequence[PartResult]) -> Iterator[Source]:
    """What the parts of an item have made, as sources of the item.

    The keys are those that the workers of the parts wrote into their results, whatever the
    children said. Raises BadMedia for another one.
    """
    for number, part in enumerate(parts):
        result = operation(part.kind).result_type.FromString(part.result)
        for name in output_fields(result):
            key = getattr(result, name)
            if not key:
                continue
            if not _WORK_KEY.fullmatch(key):
                raise BadMedia("a part ended without a usable result")
            yield Source(part_file(number, name), part_key=key)


def _of_several(error: OutsideError, number: int, count: int) -> OutsideError:
    """The error, saying which source it is where there are several."""
    words = str(error) if count == 1 else f"Source {number + 1} of {count}: {error}"
    if isinstance(error, OutsideFailed):
        return OutsideFailed(words, error.retry_after)
    return OutsideRefused(words)


async def _together(readings: Sequence[Coroutine[Any, Any, SourceFile]]) -> list[SourceFile]:
    """What all of them read, in their order; the first failure ends the others and is raised."""
    failures: Sequence[Exception] = ()
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(reading) for reading in readings]
    except ExceptionGroup as several:
        failures = several.exceptions
    if failures:
        # Of those at the same moment it is one that trying again does not help.
        raise next((each for each in failures if isinstance(each, OutsideRefused)), failures[0])
    return [task.result() for task in tasks]


class Sources:
    """Reads addresses and videos' originals."""

    def __init__(
        self, settings: Settings, storage: Storage, store: "StoreServiceAsyncStub", folder: Path
    ) -> None:
        """`folder` is where sources stay a while for the items that want them too."""
        policy = Policy(
            max_bytes=settings.max_source_bytes,
            max_seconds=_SECONDS_TO_FETCH,
            allow_loopback=settings.allow_loopback_sources,
        )
        self._cache = SourceCache(folder, policy, _CACHE_BYTES)
        self._originals = Originals(storage, folder / "originals")
        self._storage = storage
        self._store = store

    async def bring(
        self,
        account_id: str,
        sources: list[Source],
        folder: Path,
        on_progress: Callable[[float], None],
    ) -> Mapping[str, SourceFile]:
        """Have every source as a local file, in `folder` where it is a copy; by source name.

        `on_progress` takes the part of the sources that is there, 0 to 1. The first that fails
        ends the reading of the others.
        Raises OutsideError, BadMedia for a video without an original, and VitascopeError.
        """
        there = [0.0] * len(sources)
        turn = asyncio.Semaphore(_AT_ONCE)

        async def brought(number: int, source: Source) -> SourceFile:
            def tell(part: float) -> None:
                if part > there[number]:
                    there[number] = part
                    on_progress(sum(there) / len(there))

            async with turn:
                try:
                    file = await self._bring(account_id, source, folder / str(number), tell)
                except OutsideError as error:
                    raise _of_several(error, number, len(sources)) from error
            tell(1.0)
            return file

        files = await _together([brought(*each) for each in enumerate(sources)])
        return {source.name: file for source, file in zip(sources, files, strict=True)}

    async def _bring(
        self, account_id: str, source: Source, target: Path, on_progress: Callable[[float], None]
    ) -> SourceFile:
        if source.part_key is not None and (made := await self._kept(source, target)):
            return SourceFile(made, source.name, None)
        if source.url is not None:
            fetched = await self._cache.bring(account_id, source.url, target, on_progress)
            headers = fetched.headers
            return SourceFile(
                target,
                fetched.file_name,
                fetched.content_type,
                charset=headers.charset,
                address=headers.address,
            )
        request = GetMediaRequest(video_id=source.video_id or "", role=ROLE_ORIGINAL)
        try:
            media = (await self._store.GetMedia(request)).media
        except NotFound as error:
            raise BadMedia("the video has no uploaded file") from error
        path = self._storage.local_path(media.storage_key)
        if path is None:
            await self._originals.bring(media.storage_key, target)
        return SourceFile(path or target, media.file_name, media.content_type)

    async def _kept(self, source: Source, target: Path) -> Path | None:
        """What is stored under the source's key; None where its address is the only way left."""
        key = source.part_key or ""
        path = self._storage.local_path(key)
        if source.url is None:
            if path is None:
                await self._storage.fetch(key, target)
            return path or target
        if not await self._storage.exists(key):
            return None
        if path is None:
            # All parts of an item want the same.
            await self._originals.bring(key, target)
        return path or target
