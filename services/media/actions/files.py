"""Finding files and reading them."""

from collections.abc import AsyncIterator

from services.media.actions.backends import Backends
from services.media.model.files import (
    FileNotStored,
    Media,
    OutputAddress,
    Role,
    StoredFile,
)
from services.media.store import filing, serving


class Files:
    """What is stored, for whom may read it."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    async def of_team(self, video_id: str, role: Role, team_id: str | None) -> StoredFile:
        """A file of a team's video. Raises UnknownVideo and FileNotStored."""
        await self._backends.catalogue.of_team(video_id, team_id)
        return (await self.of_video(video_id, role)).file

    async def of_video(self, video_id: str, role: Role) -> Media:
        """A file of a video, whoever owns it. Raises FileNotStored."""
        async with self._backends.database.reading() as tx:
            media = await filing.find_media(tx, video_id, role)
        if media is None:
            raise FileNotStored(f"The video has no {role} file yet.")
        return media

    async def at(self, path: str) -> StoredFile:
        """The output of a task that is served at a path. Raises FileNotStored."""
        address = OutputAddress.parse(path)
        async with self._backends.database.reading() as tx:
            file = await serving.find_output(tx, address)
        if file is None:
            raise FileNotStored("There is no such file.")
        return file

    def read(self, file: StoredFile, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield bytes `start` (included) to `end` (excluded) in chunks of up to 1 MiB.

        Raises NotFound when the file was deleted meanwhile, and Unavailable.
        """
        return self._backends.storage.read(file.storage_key, start, end)
