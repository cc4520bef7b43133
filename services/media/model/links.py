"""Links: addresses that carry the permission to fetch a file until they expire."""

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from services.chassis.errors import Forbidden
from services.media.model.files import STORYBOARD, FileNotStored, Role

LASTS_USUALLY = timedelta(hours=1)

_SEALED = re.compile(r"([a-z_]{1,20})\.([0-9]{1,11})\.([0-9A-Za-z-]{1,36})\.([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class Grant:
    """The permission to fetch a file of a video until `expires`, in Unix seconds."""

    role: Role
    expires: int
    video_id: str

    @classmethod
    def unsealed(cls, text: str, key: bytes) -> "Grant":
        """Read a grant that was sealed with `key`. Raises FileNotStored for anything else."""
        found = _SEALED.fullmatch(text)
        if found is None or found[1] not in set(Role):
            raise FileNotStored("There is no such file.")
        grant = cls(Role(found[1]), int(found[2]), found[3])
        if not hmac.compare_digest(grant.sealed(key), text):
            raise FileNotStored("There is no such file.")
        return grant

    def sealed(self, key: bytes) -> str:
        """The grant as one segment of an address, which nobody without `key` can make."""
        text = f"{self.role}.{self.expires}.{self.video_id}"
        seal = hmac.digest(key, text.encode(), sha256)
        return f"{text}.{urlsafe_b64encode(seal).decode().rstrip('=')}"

    @property
    def covers(self) -> tuple[Role, ...]:
        """The files that it permits; the link leads to the first."""
        return STORYBOARD if self.role is Role.STORYBOARD else (self.role,)

    @property
    def expires_at(self) -> datetime:
        """When it expires."""
        return datetime.fromtimestamp(self.expires, UTC)


class LinkExpired(Forbidden):
    """The link was good once."""

    reason = "LinkExpiredException"

    def __init__(self, expired_at: datetime) -> None:
        super().__init__(f"The link expired at {expired_at:%Y-%m-%d %H:%M:%S}, UTC.")
