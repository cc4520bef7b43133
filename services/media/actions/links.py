"""Making links to files, and finding what they lead to."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.chassis.database import now
from services.media.actions.backends import Backends
from services.media.actions.files import Files
from services.media.model.files import FileNotStored, Media, Role
from services.media.model.links import Grant, LinkExpired

_LABEL = b"vitascope media links"


@dataclass(frozen=True)
class Link:
    """A grant, what signs it, and the name of the file that it leads to."""

    grant: Grant
    sealed: str
    file_name: str


class Links:
    """Permits and finds files of videos for those who hold a link. Nothing of it is stored."""

    def __init__(self, backends: Backends, files: Files) -> None:
        self._catalogue = backends.catalogue
        self._files = files
        material = backends.settings.internal_key.get_secret_value().encode()
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_LABEL)
        self._key = derive.derive(material)

    async def create(
        self, video_id: str, role: Role, team_id: str | None, lasts: timedelta
    ) -> Link:
        """Permit a file of a team's video from now on. Raises UnknownVideo and FileNotStored."""
        video = await self._catalogue.of_team(video_id, team_id)
        grant = Grant(role, ceil((now() + lasts).timestamp()), video.video_id)
        media = await self._files.of_video(video.video_id, grant.covers[0])
        return Link(grant, grant.sealed(self._key), media.file.file_name)

    async def follow(self, sealed: str, file_name: str) -> tuple[Media, timedelta]:
        """The file of that name that a sealed grant permits, and for how long it still does.

        Raises FileNotStored, for a deleted video and a changed grant too, and LinkExpired.
        """
        grant = Grant.unsealed(sealed, self._key)
        left = grant.expires_at - now()
        if left <= timedelta(0):
            raise LinkExpired(grant.expires_at)
        if await self._catalogue.find(grant.video_id) is None:
            raise FileNotStored("There is no such file.")
        return await self._files.named(grant.video_id, grant.covers, file_name), left
