"""The records of the media service, the errors it raises, and what a name may look like."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.chassis.errors import (
    Conflict,
    Invalid,
    NotFound,
    OutOfRange,
    TooLarge,
    Violation,
    WrongState,
)

# A running upload says so this often; one that was silent for longer than STALE_AFTER is dead.
TOUCH_EVERY = timedelta(seconds=10)
STALE_AFTER = timedelta(seconds=60)

# The folders of storage that belong to this service.
UPLOADS = "uploads"
WORK = "work"

MAX_FILE_NAME = 255

_PATH_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")


class Role(StrEnum):
    """What a file is to its video."""

    ORIGINAL = "original"
    PROCESSED = "processed"
    THUMBNAIL_SMALL = "thumbnail_small"
    THUMBNAIL_LARGE = "thumbnail_large"
    STORYBOARD = "storyboard"
    STORYBOARD_INDEX = "storyboard_index"
    WEB_VIDEO = "web_video"


STORYBOARD = (Role.STORYBOARD_INDEX, Role.STORYBOARD)
"""The files of a storyboard; the first one leads to the other, by its name."""


@dataclass(frozen=True)
class Video:
    """A video as the catalogue knows it; `parent_id` names the original of a processed one."""

    video_id: str
    team_id: str
    project_id: str | None
    parent_id: str | None


@dataclass(frozen=True)
class StoredFile:
    """A whole file in storage: `size` in bytes, `sha256` in lower-case hex."""

    storage_key: str
    size: int
    sha256: str
    file_name: str
    content_type: str
    stored_at: datetime


@dataclass(frozen=True)
class Upload:
    """An original on its way."""

    video_id: str
    storage_key: str
    file_name: str
    content_type: str
    light: bool


@dataclass(frozen=True)
class Media:
    """A file of a video."""

    video_id: str
    role: Role
    light: bool
    file: StoredFile


@dataclass(frozen=True)
class Attempt:
    """One attempt at an item of work; attempts count from 1."""

    item_id: str
    number: int

    @property
    def folder(self) -> str:
        """The folder of storage into which the attempt's worker puts its outputs."""
        return f"{WORK}/{self.item_id}/{self.number}"


@dataclass(frozen=True)
class Output:
    """A file that an attempt made; `name` is the output's name in the result.

    `role` is what it becomes to a video, where outputs go to a video.
    """

    name: str
    file: StoredFile
    role: Role | None = None


@dataclass(frozen=True)
class VideoPlace:
    """The outputs become files of a video, each in its role."""

    video_id: str


@dataclass(frozen=True)
class AccountPlace:
    """Outputs that go to the output area of an account, which may store `limit` bytes, 0 for all.

    With a `lifetime` they end that long after their making, else when the account says.
    """

    account_id: str
    lifetime: timedelta | None = None
    limit: int = 0


@dataclass(frozen=True)
class PartPlace:
    """Outputs that are kept for the item that was split, until it ends."""

    whole_id: str


Place = VideoPlace | AccountPlace | PartPlace


@dataclass(frozen=True)
class OutputAddress:
    """Where a task's output is served: `ACCOUNT/ITEM/FILE`."""

    account_id: str
    item_id: str
    file_name: str

    @classmethod
    def parse(cls, path: str) -> "OutputAddress":
        """Read a path; raises FileNotStored for one under which nothing can ever be stored."""
        parts = path.split("/")
        if len(parts) != 3 or not all(is_path_part(part) for part in parts):
            raise FileNotStored("There is no such file.")
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.account_id}/{self.item_id}/{self.file_name}"


def is_path_part(text: str) -> bool:
    """Whether `text` can stand between slashes of a storage key or an output's path."""
    return _PATH_PART.fullmatch(text) is not None


def display_name(file_name: str) -> str:
    """The name of an uploaded file without folders and control characters, never empty."""
    last = re.split(r"[/\\]", file_name)[-1]
    printable = "".join(char for char in last if char.isprintable()).strip()
    return printable[-MAX_FILE_NAME:] or "upload"


class UnknownVideo(NotFound):
    """No such video, or another team's."""

    reason = "VideoNotFoundException"

    def __init__(self, video_id: str) -> None:
        super().__init__(f"There is no video {video_id}.")


class FileNotStored(NotFound):
    """The video or the address is fine and has no file."""

    reason = "MediaNotFoundException"


class AlreadyUploaded(WrongState):
    """The video's file is here or on its way."""

    reason = "AlreadyUploadedException"


class NotAnOriginal(WrongState):
    """The video is made by processing and takes no upload."""

    reason = "NotAnOriginalException"

    def __init__(self) -> None:
        super().__init__("A processed video takes no upload.")


def too_large(limit: int) -> TooLarge:
    """The error that says how large a file may be."""
    return TooLarge(f"A file may have at most {limit} bytes.")


class OverQuota(Invalid):
    """The account may not store so much."""

    reason = "StorageLimitException"

    def __init__(self, limit: int, used: int, more: int) -> None:
        super().__init__(
            f"The account may store {limit} bytes; with {used} stored or on their way there is no "
            f"room for {more} more.",
            metadata={"http-status": "413"},
        )


class NoFile(Invalid):
    """The request carries no file, or an empty one."""

    def __init__(self) -> None:
        message = "The request carries no file, or an empty one."
        super().__init__(message, violations=[Violation("file", message)])


class BrokenUpload(Invalid):
    """The stream ended before the file did."""

    def __init__(self) -> None:
        super().__init__("The upload broke off before the end of the file.")


class UploadGivenUp(Conflict):
    """The upload lost its place while bytes still arrived."""

    def __init__(self) -> None:
        super().__init__("The upload was given up: its video was deleted, or it stood still.")


class OldAttempt(Conflict):
    """A newer attempt's outputs are visible."""

    reason = "OldAttemptException"

    def __init__(self) -> None:
        super().__init__("A newer attempt's outputs are visible already.")


class OutputMissing(WrongState):
    """What should become visible is not in storage as described."""

    reason = "OutputMissingException"


class RangeNotSatisfiable(OutOfRange):
    """The asked bytes lie behind the end of a file of `size` bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(
            f"The range lies outside of the file's {size} bytes.",
            metadata={"http-header-content-range": f"bytes */{size}"},
        )
