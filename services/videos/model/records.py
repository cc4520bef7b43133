"""The records of the catalogue and the moves between their states."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.chassis.errors import Invalid, NotFound, Violation, WrongState
from services.videos.model.targets import Target

PATIENCE = timedelta(seconds=60)
"""How long a row waits for an event before the other side is asked."""
LONGEST_PATIENCE = timedelta(minutes=10)
"""The same for a video whose upload never began, however old it is."""

FAILED_WATCHED = timedelta(days=7)
"""How long failed work is asked about, in case that word of another try got lost."""

LONGEST_NAME = 255
"""Characters of a name."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ProjectNotFound(NotFound):
    """No such project, or another team's."""

    reason = "ProjectNotFoundException"


class VideoNotFound(NotFound):
    """No such video, or another team's."""

    reason = "VideoNotFoundException"


class ProjectNotEmpty(WrongState):
    """A project cannot go while videos are in it."""

    reason = "ProjectNotEmptyException"


class VideoNotIngested(WrongState):
    """A video cannot be processed before its ingestion is DONE."""

    reason = "VideoNotIngestedException"


class NotAnOriginal(WrongState):
    """What was processed is not a source for another processing."""

    reason = "VideoNotOriginalException"


class Status(StrEnum):
    """Where an upload, an ingestion or a processing is, as documented."""

    INITIAL = "INITIAL"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    ERROR = "ERROR"


class Dispatch(StrEnum):
    """Whether a video's work was handed to the ledger."""

    NONE = "none"
    PENDING = "pending"
    SUBMITTED = "submitted"


class Outcome(StrEnum):
    """What the ledger says of a piece of work."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Caller:
    """The user who asks, and the team for which."""

    user_id: str
    team_id: str


@dataclass(frozen=True)
class StoredFile:
    """An original that is whole; its size in bytes."""

    video_id: str
    file_name: str
    file_size: int
    file_type: str
    light: bool


@dataclass(frozen=True)
class Project:
    """A folder of videos that belongs to a team."""

    id: str
    name: str
    team_id: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Upload:
    """The arrival of an original's bytes; sizes in bytes."""

    status: Status
    updated_at: datetime
    file_name: str | None = None
    file_size: int | None = None
    file_type: str | None = None
    light: bool = False


@dataclass(frozen=True)
class Work:
    """A video's one piece of long work: an original is ingested, a child is processed.

    `requeued` is how often an operator had the ledger try again after the work had ended.
    """

    status: Status
    updated_at: datetime
    dispatch: Dispatch = Dispatch.NONE
    percent: float = 0.0
    eta_seconds: float | None = None
    error_message: str | None = None
    requeued: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing can change it any more."""
        return self.status in (Status.DONE, Status.ERROR)


@dataclass(frozen=True)
class Video:
    """A video: an uploaded original, or (with `parent_id`) what was made of one.

    `metadata` and `quality` are the worker's findings in protobuf's JSON form;
    `thumbnails` and `web_video` say that ingestion made them;
    `look_at` is when to ask the other side if no event comes.
    """

    id: str
    name: str | None
    project_id: str | None
    user_id: str
    team_id: str
    parent_id: str | None
    upload: Upload | None
    work: Work
    created_at: datetime
    updated_at: datetime
    look_at: datetime | None
    metadata: Mapping[str, Any] | None = None
    quality: Mapping[str, Any] | None = None
    thumbnails: bool = False
    web_video: bool = False
    target: Target | None = None

    @property
    def awaits_upload(self) -> bool:
        """Whether its file is not here yet."""
        return self.upload is not None and self.upload.status is not Status.DONE

    @property
    def work_name(self) -> str:
        """The request id under which the ledger knows this video's work."""
        return f"process:{self.id}" if self.parent_id else f"ingest:{self.id}"


@dataclass(frozen=True)
class News:
    """What the ledger says of the work `work_name`."""

    work_name: str
    outcome: Outcome
    percent: float = 0.0
    eta_seconds: float | None = None
    error_message: str | None = None
    metadata: Mapping[str, Any] | None = None
    quality: Mapping[str, Any] | None = None
    thumbnails: bool = False
    web_video: bool = False
    requeued: int = 0

    @property
    def video_id(self) -> str:
        """The video that the news is about."""
        return self.work_name.partition(":")[2]


def is_id(text: str) -> bool:
    """Whether `text` can be the id of a project or video at all."""
    return _ID.fullmatch(text) is not None


def checked_name(name: str) -> str:
    """Return `name`; raise Invalid for a blank one or one that no database takes."""
    if not name.strip() or "\0" in name:
        raise Invalid(
            "name: must hold a visible character and no NUL",
            violations=(
                Violation(field="name", description="must hold a visible character and no NUL"),
            ),
        )
    return name


def advanced(work: Work, news: News, moment: datetime) -> Work | None:
    """Return `work` after `news`, or None when that changes nothing.

    An end wins over everything later, and a percentage never falls: events may
    come twice, late, or from an attempt that starts over. Only when the ledger
    was told to try again does all begin anew.
    """
    if news.requeued > work.requeued:
        anew = Work(Status.IN_PROGRESS, moment, Dispatch.SUBMITTED, requeued=news.requeued)
        return _followed(anew, news, moment) or anew
    if news.requeued < work.requeued:
        return None
    return _followed(work, news, moment)


def informed(video: Video, news: News) -> Video:
    """Return `video` with what `news` tell of its file; what they are silent about stays known.

    What is late changes nothing: it knows less, as does what comes after the end.
    """
    tries = news.requeued - video.work.requeued
    late = news.outcome is Outcome.RUNNING and news.percent < video.work.percent
    if tries < 0 or (tries == 0 and (late or video.work.ended)):
        return video
    return replace(
        video,
        metadata=video.metadata if news.metadata is None else news.metadata,
        quality=video.quality if news.quality is None else news.quality,
        thumbnails=news.thumbnails,
        web_video=news.web_video,
    )


def _followed(work: Work, news: News, moment: datetime) -> Work | None:
    if work.ended:
        return None
    followed = replace(work, updated_at=moment, dispatch=Dispatch.SUBMITTED)
    if news.outcome is Outcome.DONE:
        return replace(followed, status=Status.DONE, percent=100.0, eta_seconds=None)
    if news.outcome is Outcome.FAILED:
        reason = news.error_message or "The work failed."
        return replace(followed, status=Status.ERROR, eta_seconds=None, error_message=reason)
    if news.percent <= work.percent:
        return None
    return replace(followed, percent=min(news.percent, 100.0), eta_seconds=news.eta_seconds)


def next_look(video: Video, moment: datetime) -> datetime | None:
    """When to ask about `video` if no event comes after `moment`; None for never.

    A video whose upload never began is asked about ever more seldom, and work that failed now
    and then for a while: an operator may have it tried again.
    """
    work = video.work
    if work.status is Status.ERROR and moment - work.updated_at < FAILED_WATCHED:
        return moment + LONGEST_PATIENCE
    if work.ended:
        return None
    if video.upload is not None and video.upload.status is Status.INITIAL:
        return moment + min(max(moment - video.created_at, PATIENCE), LONGEST_PATIENCE)
    return moment + PATIENCE
