"""Finding files and reading them."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import suppress

from services.chassis.database import now
from services.chassis.lending import LentFile
from services.media.actions.backends import Backends
from services.media.model.files import (
    STORYBOARD,
    FileNotStored,
    Media,
    OutputAddress,
    Role,
    StoredFile,
)
from services.media.model.outputs import KeptOutput
from services.media.store import filing, serving


class Files:
    """What is stored, for whom may read it."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    async def of_team(self, video_id: str, role: Role, team_id: str | None) -> Media:
        """A file of a team's video. Raises UnknownVideo and FileNotStored."""
        await self._backends.catalogue.of_team(video_id, team_id)
        return await self.of_video(video_id, role)

    async def of_video(self, video_id: str, role: Role) -> Media:
        """A file of a video, whoever owns it. Raises FileNotStored."""
        async with self._backends.database.reading() as tx:
            media = await filing.find_media(tx, video_id, role)
        if media is None:
            raise FileNotStored(f"The video has no {role.replace('_', ' ')} file yet.")
        return media

    async def storyboard(self, video_id: str, team_id: str | None, file_name: str) -> Media:
        """The file of that name of a video's storyboard; its picture when the name is empty.

        Raises UnknownVideo and FileNotStored.
        """
        if not file_name:
            return await self.of_team(video_id, Role.STORYBOARD, team_id)
        await self._backends.catalogue.of_team(video_id, team_id)
        return await self.named(video_id, STORYBOARD, file_name)

    async def named(self, video_id: str, roles: Collection[Role], file_name: str) -> Media:
        """The file of that name among those of a video in these roles. Raises FileNotStored."""
        async with self._backends.database.reading() as tx:
            found = [await filing.find_media(tx, video_id, role) for role in roles]
        for media in found:
            if media is not None and media.file.file_name == file_name:
                return media
        raise FileNotStored("There is no such file.")

    async def at(self, path: str) -> KeptOutput:
        """The output of a task that is served at a path. Raises FileNotStored."""
        address = OutputAddress.parse(path)
        async with self._backends.database.reading() as tx:
            output = await serving.find_output(tx, address, now())
        if output is None:
            raise FileNotStored("There is no such file.")
        return output

    def read(self, file: StoredFile, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield bytes `start` (included) to `end` (excluded) in chunks of up to 1 MiB.

        Raises NotFound when the file was deleted meanwhile, and Unavailable.
        """
        return self._backends.storage.read(file.storage_key, start, end)

    async def lend(self, file: StoredFile, start: int, end: int) -> LentFile | None:
        """Offer the same bytes to a process that can read them itself; None where none can."""
        path = self._backends.storage.local_path(file.storage_key)
        if path is None:
            return None
        with suppress(OSError):
            return await asyncio.to_thread(LentFile.of, path, start, end)
        return None
